"""docs/mock-llm/protocols.md names every codec, only paths that there are, and misses none that it says are missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mock_llm.codecs import discover
from mock_llm.routing import Router

PAGE = (Path(__file__).parents[3] / "docs/mock-llm/protocols.md").read_text(encoding="utf-8")
CODECS = {codec.name: codec for codec in discover()}
ROUTER = Router(tuple(CODECS.values()))
SERVED = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", PAGE.split("## Faithful")[0], re.M))
MISSING = re.findall(r"`(/v1/[\w/]+)`", PAGE.split("## Not served")[1])


def test_the_table_has_each_codec_and_no_other() -> None:
    assert set(SERVED) == set(CODECS)


@pytest.mark.parametrize("name", sorted(CODECS))
def test_its_paths_are_the_codecs(name: str) -> None:
    there = {route.path for route in CODECS[name].routes}
    named = [path for path in re.findall(r"`(/[^`]*)`", SERVED[name]) if path.startswith(("/v1/", "/v1beta/", "/api/"))]
    assert named
    assert [path for path in named if path not in there] == []


@pytest.mark.parametrize("path", MISSING)
def test_what_is_not_served_is_not(path: str) -> None:
    assert ROUTER.methods(path) == []
