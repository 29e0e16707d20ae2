"""The refund agent works and remembers, and each of its broken ways is really there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("langgraph", reason="the extra `examples` is not installed")

NAME = "langgraph_agent"
APP = Path(__file__).parents[3] / "examples" / NAME / "app.py"
REFUND = ("refund_order", {"order_id": "A-1042"})
MAX_MODEL_CALLS = 5  # half the steps of the graph


def _chat(url: str, thread: str, text: str, timeout: float = 30) -> httpx.Response:
    return httpx.post(f"{url}/chat", json={"thread": thread, "text": text}, timeout=timeout)


def _refunds(url: str) -> list[str]:
    entries = httpx.get(f"{url}/ledger").raise_for_status().json()["entries"]
    return [entry["idempotency_key"] for entry in entries]


def _contents(request: dict[str, Any]) -> list[str]:
    return [message["content"] for message in request["messages"]]


def test_an_order_is_refunded_once_however_often_the_model_asks(start: Any, llm: Any) -> None:
    llm.says(REFUND, REFUND, "It is refunded.")
    agent = start(NAME)
    assert _chat(agent.url, "ann", "Refund A-1042 please").json()["reply"] == "It is refunded."
    assert _refunds(agent.url) == ["A-1042"]
    assert _contents(llm.requests[-1])[-1] == "order A-1042 was refunded before; nothing was done"


def test_arguments_against_the_schema_are_told_to_the_model(start: Any, llm: Any) -> None:
    llm.says(("refund_order", {"order_id": "everything"}), ("burn_money", {}), "I cannot.")
    agent = start(NAME)
    assert _chat(agent.url, "ann", "Refund everything").json()["reply"] == "I cannot."
    assert _refunds(agent.url) == []
    told = [message["content"] for message in llm.requests[-1]["messages"] if message["role"] == "tool"]
    assert all(text.startswith("error: ") for text in told)
    assert len(told) == 2


def test_each_thread_remembers_its_own_messages_and_no_others(start: Any, llm: Any) -> None:
    llm.says("Noted.")
    agent = start(NAME)
    for thread, text in (("ann", "My card ends in 4242"), ("bob", "Hello"), ("ann", "Hello again")):
        assert _chat(agent.url, thread, text).status_code == 200
    assert _contents(llm.requests[1]) == ["Hello"]
    assert _contents(llm.requests[2]) == ["My card ends in 4242", "Noted.", "Hello again"]


def test_broken_shared_thread_sends_one_customers_words_with_anothers(start: Any, llm: Any) -> None:
    llm.says("Noted.")
    agent = start(NAME, "--broken", "shared-thread")
    _chat(agent.url, "ann", "My card ends in 4242")
    _chat(agent.url, "bob", "Hello")
    assert _contents(llm.requests[1]) == ["My card ends in 4242", "Noted.", "Hello"]


def test_a_run_without_end_is_cut_and_the_thread_goes_on(start: Any, llm: Any) -> None:
    llm.says(REFUND)
    agent = start(NAME)
    cut = _chat(agent.url, "ann", "Refund A-1042 please")
    assert cut.status_code == 502
    assert "GraphRecursionError" in cut.json()["detail"]
    assert len(llm.requests) == MAX_MODEL_CALLS
    llm.says("It was refunded.")
    assert _chat(agent.url, "ann", "And?").json()["reply"] == "It was refunded."
    roles = [message["role"] for message in llm.requests[-1]["messages"]]
    assert roles == ["user", *["assistant", "tool"] * MAX_MODEL_CALLS, "user"]  # no tool call left unanswered


def test_broken_no_step_limit_never_ends(start: Any, llm: Any) -> None:
    llm.says(REFUND)
    agent = start(NAME, "--broken", "no-step-limit")
    with pytest.raises(httpx.ReadTimeout):
        _chat(agent.url, "ann", "Refund A-1042 please", timeout=1)
    deadline = time.monotonic() + 60
    while len(llm.requests) <= 4 * MAX_MODEL_CALLS and time.monotonic() < deadline:
        time.sleep(0.05)
    agent.kill()  # nothing gentler ends it
    assert len(llm.requests) > 4 * MAX_MODEL_CALLS


def test_broken_ascii_transcript_fails_a_customer_with_an_umlaut_after_the_refund(start: Any, llm: Any) -> None:
    llm.says(REFUND, "It is refunded.")
    agent = start(NAME, "--broken", "ascii-transcript")
    assert _chat(agent.url, "ann", "Hello").status_code == 200
    llm.says(REFUND, "It is refunded.")
    assert _chat(agent.url, "zoe", "I am Zoë").status_code == 500
    assert _refunds(agent.url) == ["A-1042"]
    assert _chat(start(NAME).url, "zoe", "I am Zoë").status_code == 200


def test_without_langgraph_it_says_what_to_install() -> None:
    hide = f"import sys, runpy; sys.modules['langgraph'] = None; sys.argv = [{str(APP)!r}]; "
    path = f"sys.path.insert(0, {str(APP.parent)!r}); "
    code = f"{hide}{path}runpy.run_path({str(APP)!r}, run_name='__main__')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert "pip install 'agent-windtunnel[examples]'" in ran.stderr
    assert "Traceback" not in ran.stderr
