"""The page at /_mock in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mock_llm import MockLLM

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.browser


@pytest.fixture
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


def _ask(mock: MockLLM, session: str, text: str) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    httpx.post(f"{mock.url}/s/{session}/v1/chat/completions", json=body)


def test_sessions_turns_and_rules_appear_live_and_as_text(browser: Any) -> None:
    with MockLLM() as mock:
        mock.session("alpha").rule(name="greeting", text="hello", answer="good day")
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(mock.url + "/_mock")
        page.get_by_text("No request yet").wait_for()
        _ask(mock, "alpha", "hello <img src=x onerror=document.title='owned'>")
        _ask(mock, "beta", "something else")
        row = page.locator("tr", has_text="alpha 1")
        row.get_by_text("greeting").wait_for()
        assert "good day" in row.inner_text()
        assert "<img" in row.inner_text()
        page.locator("tr", has_text="beta 1").get_by_text("auto", exact=True).wait_for()
        page.get_by_role("button", name="beta (1)").click()
        assert not row.is_visible()
        assert page.title() == "mock-llm"
        assert errors == []


def test_after_a_restart_and_a_reset_the_page_begins_anew(browser: Any) -> None:
    with MockLLM() as first:
        _ask(first, "old", "hello")
        _ask(first, "old", "hello again")
        page = browser.new_page()
        page.goto(first.url + "/_mock")
        page.locator("tr", has_text="old 2").wait_for()
        port = httpx.URL(first.url).port
    with MockLLM(port=port) as second:
        for text in ("one", "two", "three"):  # more than the page has seen: the count alone would not tell
            _ask(second, "new", text)
        page.locator("tr", has_text="new 1").wait_for()
        page.locator("tr", has_text="new 3").wait_for()
        assert page.locator("#turns tr").count() == 3
        page.get_by_role("button", name="new (3)").get_by_text("tokens").wait_for()
        httpx.post(second.url + "/_mock/reset").raise_for_status()
        page.get_by_text("No request yet").wait_for()
        _ask(second, "new", "again")
        page.locator("tr", has_text="new 1").wait_for()
        assert page.locator("#turns tr").count() == 1
