from pathlib import Path

import pytest

from harness.core.config import Config
from harness.core.config_file import line_of, parse_config
from harness.core.errors import ConfigError

FILE = Path("some/windtunnel.toml")
GOOD = """
[target]
name = "mine"
kind = "external"

[target.services.agent]
url = "http://127.0.0.1:9"
"""


def error(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, FILE)
    assert caught.value.exit_code == 64
    return caught.value


def test_a_good_file_becomes_a_config_with_defaults() -> None:
    config = parse_config(GOOD, FILE)
    assert isinstance(config, Config)
    assert config.target.services["agent"].health == "/health"
    assert config.suites.load.profile == "10x-peak"
    assert config.path("reports") == FILE.parent.resolve() / "reports"


def test_a_misspelt_key_names_its_line_and_the_right_word() -> None:
    caught = error(GOOD + 'metrix = "/metrics"\n')
    assert caught.line == 8
    assert str(caught).startswith("some/windtunnel.toml:8: unknown key `target.services.agent.metrix`")
    assert "did you mean `metrics`?" in str(caught)


def test_a_missing_key_says_where_to_add_it() -> None:
    caught = error("[target]\nkind = 'local'\n")
    assert "`target.name` is missing" in str(caught)
    assert "add `name = ...` to [target]" in str(caught)


def test_broken_toml_names_its_line() -> None:
    assert error("[target]\nname = \n").line == 2


def test_a_wrong_value_names_key_and_line() -> None:
    caught = error(GOOD + "\n[suites.contracts]\nmax_examples = 0\n")
    assert caught.line == 10
    assert "suites.contracts.max_examples" in str(caught)


def test_an_external_target_needs_urls() -> None:
    caught = error("[target]\nname = 'x'\nkind = 'external'\n[target.services.a]\n")
    assert "needs a url for each service; none for a" in str(caught)


def test_an_image_is_run_in_exactly_one_way() -> None:
    head = "[target]\nname='x'\n[target.local]\nmanifests=['m']\n"
    text = head + "[target.local.images.a]\npython='a:b'\nbuiltin='redis'\n"
    assert "exactly one of command, python, builtin" in str(error(text))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["target", "local", "images", "a/b", "python"], 3),
        (["target", "local", "images", "a/b", "nothing"], 2),
        (["nothing"], None),
    ],
)
def test_line_of(path: list[str], line: int | None) -> None:
    assert line_of('[target]\n[target.local.images."a/b"]\npython = "x"\n', path) == line


def test_an_empty_path_says_that_there_is_none() -> None:
    config = parse_config(GOOD + 'ready = ""\n[target.services.agent.tasks]\nrun = ""\n', FILE)
    service = config.target.services["agent"]
    assert service.ready is None
    assert service.tasks is not None
    assert service.tasks.run is None
