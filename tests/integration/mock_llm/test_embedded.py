"""MockLLM as context manager, the in-process transport, virtual time, faults over a socket, the fixture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from openai import APITimeoutError, AsyncOpenAI, OpenAI

from mock_llm import Handle, MockLLM

BODY: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


def _ask(handle: Handle, **more: Any) -> httpx.Response:
    return httpx.post(handle.openai_base_url + "/chat/completions", json={**BODY, **more}, timeout=10)


async def test_it_is_an_async_context_manager_too() -> None:
    async with MockLLM() as mock, httpx.AsyncClient() as client:
        answer = await client.post(mock.openai_base_url + "/chat/completions", json=BODY)
        assert answer.status_code == 200
        assert len(mock.calls) == 1


def test_sessions_share_a_server_and_nothing_else() -> None:
    with MockLLM() as mock:
        one, two = mock.session("one"), mock.session("two with spaces")
        one.set_response("from one")
        two.set_response("from two")
        texts = [_ask(h).json()["choices"][0]["message"]["content"] for h in (one, two, mock)]
        assert texts[:2] == ["from one", "from two"]
        assert texts[2].startswith("This is a mock answer")
        assert [len(h.calls) for h in (one, two, mock)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("headers", "session"),
    [
        ({"x-mock-session": "h", "baggage": "mock.session=b"}, "h"),
        ({"baggage": "a=1, mock.session=b%20c;p=1", "authorization": "Bearer key-1"}, "b c"),
        ({"authorization": "Bearer key-1"}, "keyed"),
        ({"authorization": "Bearer other"}, "default"),
    ],
)
def test_the_session_comes_from_header_then_baggage_then_key(headers: dict[str, str], session: str) -> None:
    with MockLLM() as mock:
        httpx.put(mock.url + "/_mock/keys", json={"key-1": "keyed"})
        httpx.post(mock.url + "/v1/chat/completions", json=BODY, headers=headers)
        assert [e["session"] for e in httpx.get(mock.url + "/_mock/journal").json()["entries"]] == [session]


def test_set_response_answers_step_by_step() -> None:
    with MockLLM() as mock:
        mock.set_response(step=1, tool="search", arguments={"query": "cats"})
        mock.set_response(step=2, text="done")
        mock.set_response(step=3, status=503)
        first, second, third = (_ask(mock) for _ in range(3))
        call = first.json()["choices"][0]["message"]["tool_calls"][0]["function"]
        assert (call["name"], json.loads(call["arguments"])) == ("search", {"query": "cats"})
        assert second.json()["choices"][0]["message"]["content"] == "done"
        assert third.status_code == 503
        mock.assert_all_rules_used()
        with pytest.raises(ValueError, match="steps count from 1"):
            mock.set_response("x", step=0)


def test_assert_called_counts_and_tells_what_was_called_instead() -> None:
    with MockLLM() as mock:
        mock.set_response(tool="search", arguments={})
        _ask(mock)
        mock.assert_called(tool="search", times=1)
        with pytest.raises(AssertionError, match=r"tool='delete'.*\n#1 POST .* called search"):
            mock.assert_called(tool="delete")
        call = mock.calls[0]
        assert call.messages == BODY["messages"]
        assert call.tool_calls == [("search", "{}")]
        expected = (call.prompt_tokens * 2.5 + call.completion_tokens * 10) / 1e6
        assert mock.cost() == pytest.approx(expected)
        with pytest.raises(KeyError, match="no price"):
            mock.cost({"other": (1, 1)})


def test_a_fault_that_refuses_does_not_use_up_the_answer() -> None:
    with MockLLM() as mock:
        mock.set_response("first", step=1)
        mock.set_response("second", step=2)
        mock.faults([{"kind": "status", "status": 429, "retry_after": 3, "ordinals": [1]}])
        answers = [_ask(mock) for _ in range(3)]
        assert [a.status_code for a in answers] == [429, 200, 200]
        assert answers[0].headers["retry-after"] == "3"
        assert [a.json()["choices"][0]["message"]["content"] for a in answers[1:]] == ["first", "second"]


def test_an_aborted_request_is_journalled_as_such() -> None:
    with MockLLM() as mock:
        mock.faults([{"kind": "latency", "seconds": 30}])
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(mock.openai_base_url + "/chat/completions", json=BODY, timeout=0.2)
        (call,) = mock.calls
        assert call.aborted
        assert call.ended == "aborted"
        assert call.faults == ("latency",)


def test_thirty_virtual_seconds_cost_nothing_and_time_out_a_five_second_client() -> None:
    with MockLLM(virtual_time=True) as mock:
        mock.pacing("constant", ttft=30, inter_token=1)
        before = mock.now()
        client = OpenAI(
            base_url="http://mock/v1", api_key="k", max_retries=0, http_client=httpx.Client(transport=mock.transport())
        )
        chunks = list(client.chat.completions.create(**BODY, stream=True, timeout=60))
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert mock.now() - before >= 30 + 1
        with pytest.raises(APITimeoutError):
            client.chat.completions.create(**BODY, stream=True, timeout=5)
        assert [call.ended for call in mock.calls] == ["complete", "aborted"]
        client.close()


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
async def test_the_transport_speaks_to_both_generations_of_httpx_in_their_own_classes(library: Any) -> None:
    """The official clients of 2026 are built on httpx2; many services still bring httpx."""
    url, stream = "http://mock/v1/chat/completions", {**BODY, "stream": True}
    with MockLLM(virtual_time=True) as mock:
        with library.Client(transport=mock.transport()) as client:
            answer = client.post(url, json=BODY)
            assert isinstance(answer, library.Response)
            assert answer.json()["object"] == "chat.completion"
            mock.faults([{"kind": "cut", "frame": 2, "how": "rst"}])
            with pytest.raises(library.ReadError), client.stream("POST", url, json=stream) as cut:
                list(cut.iter_bytes())
        async with library.AsyncClient(transport=mock.transport(), timeout=5) as client:
            mock.faults([{"kind": "latency", "seconds": 30}])
            with pytest.raises(library.ReadTimeout):
                await client.post(url, json=BODY)


async def test_the_transport_streams_to_an_async_client() -> None:
    async with MockLLM() as mock:
        mock.session("t").pacing("constant", ttft=0.0, inter_token=0.05)
        http = httpx.AsyncClient(transport=mock.transport("t"))
        async with AsyncOpenAI(base_url="http://mock/v1", api_key="k", http_client=http) as client:
            stream = await client.chat.completions.create(**BODY, stream=True)
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    # The answer is still being written: nothing is in the journal yet.
                    assert list(mock.server.journal.since(0, "t")) == []
                    break
            async for chunk in stream:
                last = chunk
            assert last.choices[0].finish_reason == "stop"


def test_a_traceparent_lies_in_the_journal() -> None:
    with MockLLM() as mock:
        trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
        httpx.post(mock.url + "/v1/chat/completions", json=BODY, headers={"traceparent": f"00-{trace}-{span}-01"})
        found = httpx.get(mock.url + "/_mock/journal", params={"trace_id": trace}).json()["entries"]
        assert [(e["trace_id"], e["parent_id"]) for e in found] == [(trace, span)]


def test_strict_mode_names_the_nearest_rule_and_a_rule_that_works() -> None:
    with MockLLM(strict=True) as mock:
        mock.rule(name="refunds", text="refund", model="gpt-4o", answer="ok")
        error = _ask(mock).json()["error"]
        assert error["code"] == "mock_unmatched"
        assert "Nearest rule: 'refunds'" in error["message"]
        assert "newest turn contains 'refund': it was 'hello'" in error["message"]
        import yaml

        pasted = error["message"].split("A rule that would match:\n")[1]
        mock.script(yaml.safe_load(pasted))
        assert _ask(mock).status_code == 200


def test_metrics_and_health() -> None:
    with MockLLM() as mock:
        _ask(mock)
        assert 'mock_llm_requests_total{protocol="openai-chat",model="gpt-4o",status="200"} 1' in (
            httpx.get(mock.url + "/metrics").text
        )
        assert httpx.get(mock.url + "/health").json()["status"] == "ok"


def test_journal_pages_and_filters() -> None:
    with MockLLM() as mock:
        for _ in range(5):
            _ask(mock)
        url = mock.url + "/_mock/journal"
        first = httpx.get(url, params={"limit": 3}).json()
        rest = httpx.get(url, params={"limit": 3, "since": first["next"]}).json()
        assert [e["ordinal"] for e in first["entries"] + rest["entries"]] == [1, 2, 3, 4, 5]
        assert httpx.get(url, params={"since": rest["next"]}).json()["entries"] == []
        assert httpx.get(url, params={"model": "other"}).json()["entries"] == []
        assert httpx.get(url, params={"nonsense": 1}).status_code == 422


def test_the_fixture_points_clients_at_a_session_of_the_test(mock_llm: Handle, request: pytest.FixtureRequest) -> None:
    assert request.node.name in mock_llm.name
    mock_llm.set_response("from the fixture")
    with OpenAI() as client:
        text = client.chat.completions.create(**BODY).choices[0].message.content
    assert text == "from the fixture"
    assert os.environ["ANTHROPIC_BASE_URL"] == mock_llm.base_url
    mock_llm.assert_called(times=1)


def test_loading_the_plugin_starts_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import mock_llm.pytest_plugin, sys, threading;"
        "heavy = {'fastapi', 'uvicorn', 'httpx', 'pydantic', 'mock_llm.server'} & set(sys.modules);"
        "assert not heavy - {'pydantic'}, heavy; assert threading.active_count() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
