"""Tools that look things up: articles, packages, a repository."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest
from dulwich import porcelain

from reference_agents.common.problem import Refused
from reference_agents.tools.build import BUILDERS, build
from reference_agents.tools.git_read.repository import sample
from reference_agents.tools.git_read.tool import git_read
from reference_agents.tools.knowledge_base.tool import knowledge_base
from reference_agents.tools.package_search.tool import package_search


async def test_an_article_is_found_by_its_words_and_given_whole() -> None:
    tool = knowledge_base("http://t", "http://t")
    found = await tool.act({"query": "what is an error budget?", "limit": 1}, "")
    assert [article["id"] for article in found["articles"]] == ["error-budget"]
    assert "43 minutes a month" in found["articles"][0]["text"]
    jsonschema_rs.validate(tool.definition.returns, found)
    assert await tool.act({"query": "?!"}, "") == {"articles": []}


async def test_a_package_is_found_by_what_it_does() -> None:
    tool = package_search("http://t", "http://t")
    found = await tool.act({"query": "retries with back-off", "limit": 3}, "")
    assert found["packages"][0]["name"] == "tenacity"
    jsonschema_rs.validate(tool.definition.returns, found)


async def test_a_file_is_read_as_it_was_and_is() -> None:
    tool = git_read("http://t", "http://t")
    now = await tool.act({"path": "orders/price.py", "log": 5}, "")
    before = await tool.act({"path": "orders/price.py", "revision": "HEAD~1"}, "")
    jsonschema_rs.validate(tool.definition.returns, now)
    assert "discounted" in now["text"]
    assert "discounted" not in before["text"]
    assert [entry["message"] for entry in now["log"]] == ["Ten or more are five percent cheaper", "Price an order"]
    everything = await tool.act({}, "")
    assert everything["paths"] == [
        "README.md", "orders/__init__.py", "orders/model.py", "orders/price.py", "tests/test_price.py",
    ]  # fmt: skip
    assert (await tool.act({"path": "orders/"}, ""))["paths"] == ["__init__.py", "model.py", "price.py"]


@pytest.mark.parametrize(
    "asked", [{"path": "none"}, {"path": "README.md/x"}, {"revision": "none"}, {"revision": "HEAD~9"}]
)
async def test_what_is_not_in_the_repository_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        await git_read("http://t", "http://t").act(asked, "")
    assert refused.value.status == 422


def test_the_sample_repository_is_the_same_each_time() -> None:
    assert sample().head() == sample().head()


async def test_a_repository_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    porcelain.init(tmp_path)
    (tmp_path / "a.txt").write_text("x" * 30_000)
    porcelain.add(tmp_path, [tmp_path / "a.txt"])
    porcelain.commit(tmp_path, message=b"one", author=b"a <a@a.example>", committer=b"a <a@a.example>")
    monkeypatch.setenv("GIT_REPOSITORY", str(tmp_path))
    found = await git_read("http://t", "http://t").act({"path": "a.txt"}, "")
    assert (len(found["text"]), found["cut"]) == (20_000, True)
    monkeypatch.setenv("GIT_REPOSITORY", str(tmp_path / ".."))
    with pytest.raises(ValueError, match="is not a Git repository"):
        git_read("http://t", "http://t")


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_every_tool_says_what_it_takes_and_gives(name: str) -> None:
    definition = build(name, "http://t", "http://t").definition
    assert definition.name == name
    for schema in (definition.parameters, definition.returns):
        jsonschema_rs.meta.validate(schema)
    for key, examples in ((k, p.get("examples", [])) for k, p in definition.parameters["properties"].items()):
        for example in examples:
            jsonschema_rs.validate(definition.parameters["properties"][key], example)
