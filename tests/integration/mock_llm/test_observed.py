"""What an observer sees from outside: traces, latencies on /metrics, what each session spent."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mock_llm import MockLLM
from tests.integration.mock_llm.dialects import CHAT, DIALECTS, MESSAGES, RESPONSES, Dialect

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def post(mock: MockLLM, wire: Dialect, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    with httpx.Client(transport=mock.transport(), base_url="http://mock") as client:
        return client.post(wire.path, json=wire.body(**more), headers=headers)


@pytest.mark.parametrize("wire", DIALECTS, ids=repr)
def test_the_trace_and_its_state_are_kept_and_a_state_alone_is_not(wire: Dialect) -> None:
    with MockLLM(virtual_time=True) as mock:
        post(mock, wire, {"traceparent": TRACE, "tracestate": "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"})
        post(mock, wire, {"tracestate": "rojo=1"})
        kept, alone = mock.calls
        assert (kept.trace_id, kept.parent_id) == (TRACE[3:35], TRACE[36:52])
        assert kept.trace_state == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
        assert (alone.trace_id, alone.trace_state) == ("", "")
        with httpx.Client(transport=mock.transport(), base_url="http://mock") as client:
            shown = client.get("/_mock/journal").json()["entries"]
        assert [entry["trace_state"] for entry in shown] == [kept.trace_state, ""]


def test_latencies_are_counted_by_protocol_and_path() -> None:
    with MockLLM(virtual_time=True) as mock:
        mock.faults([{"kind": "latency", "seconds": 3}, {"kind": "drip", "seconds": 4}])
        for wire in DIALECTS:
            post(mock, wire, stream=True)
        mock.faults([])
        with httpx.Client(transport=mock.transport(), base_url="http://mock") as client:
            for number in range(4):
                client.get(f"/v1/responses/resp_{number}")
                client.get(f"/nowhere/{number}")
            text = client.get("/metrics").text
        found = {family.name: family for family in text_string_to_metric_families(text)}
        first = {
            (s.labels["path"], s.labels["le"]): s.value
            for s in found["mock_llm_first_byte_seconds"].samples
            if s.name.endswith("_bucket")
        }
        whole = {
            s.labels["path"]: s.value for s in found["mock_llm_duration_seconds"].samples if s.name.endswith("_sum")
        }
        for wire in DIALECTS:
            assert [first[wire.path, le] for le in ("2.5", "5.0", "+Inf")] == [0, 1, 1]
            assert whole[wire.path] > 10
        # A path with names in it is one series, and so are all that nobody serves.
        counts = {
            s.labels["path"]: s.value for s in found["mock_llm_duration_seconds"].samples if s.name.endswith("_count")
        }
        assert counts["/v1/responses/{id}"] == 4
        assert counts[""] == 4


def test_each_session_says_what_it_spent() -> None:
    with MockLLM() as mock:
        mock.set_response("word " * 40)
        for name, wire, model in (
            ("a", CHAT, "gpt-4o"),
            ("a", RESPONSES, "gpt-4o"),
            ("b", MESSAGES, "claude-opus-4"),
            ("b", CHAT, "house-model"),
        ):
            httpx.post(mock.session(name).base_url + wire.path, json=wire.body(model=model)).raise_for_status()
        shown = {s["name"]: s for s in httpx.get(mock.url + "/_mock/sessions").json()["sessions"]}
        for name in ("a", "b"):
            calls = mock.session(name).calls
            assert shown[name]["prompt_tokens"] == calls.prompt_tokens > 0
            assert shown[name]["completion_tokens"] == calls.completion_tokens > 0
        assert shown["a"]["cost_usd"] == pytest.approx(mock.session("a").calls.cost())
        assert shown["b"]["cost_usd"] == pytest.approx(mock.session("b").calls.where(model="claude-opus-4").cost())
        assert (shown["a"]["unpriced"], shown["b"]["unpriced"]) == ([], ["house-model"])
        fresh = httpx.post(mock.url + "/_mock/sessions/a/reset").json()
        assert (fresh["prompt_tokens"], fresh["cost_usd"]) == (0, 0)
