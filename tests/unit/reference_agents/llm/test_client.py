"""The LLM client over scripted HTTP: what is tried again, what is passed over, and for how long."""

from __future__ import annotations

import json
import random
from typing import Any

import httpx
import pytest
import respx

from reference_agents.common.clock import RealClock
from reference_agents.common.metrics import Metrics
from reference_agents.common.settings import Model
from reference_agents.llm.anthropic import Anthropic
from reference_agents.llm.backoff import Backoff
from reference_agents.llm.breaker import Breaker
from reference_agents.llm.client import LLMClient
from reference_agents.llm.errors import Rejected, TimedOut, Unavailable
from reference_agents.llm.messages import Message, ToolCall, ToolSpec
from reference_agents.llm.openai import OpenAI
from reference_agents.llm.wire import Limits, Wire, retry_after

OPENAI = "http://llm.test/v1/chat/completions"
ANTHROPIC = "http://llm.test/v1/messages"
CASCADE = (Model("openai", "gpt-4o"), Model("openai", "gpt-4o-mini"), Model("anthropic", "claude-sonnet-4-5"))
ASK = [Message(role="system", content="be brief"), Message(role="user", content="hello")]


class Naps:
    """Sleeps without taking time, and remembers for how long."""

    def __init__(self, clock: SteppedClock) -> None:
        self.clock, self.taken = clock, list[float]()

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.clock.now += seconds


class SteppedClock(RealClock):
    now = 100.0

    def monotonic(self) -> float:
        return self.now


def client(clock: SteppedClock, cascade: tuple[Model, ...] = CASCADE) -> tuple[LLMClient, Naps]:
    naps = Naps(clock)
    wire = Wire(
        httpx.AsyncClient(),
        {"openai": OpenAI("http://llm.test/v1", "k1"), "anthropic": Anthropic("http://llm.test", "k2")},
        Limits(),
        clock,
    )
    breakers = {model: Breaker(clock) for model in cascade}
    backoff = Backoff(random.Random(1))
    return LLMClient(wire, cascade, breakers, backoff, clock, Metrics("search"), sleep=naps), naps


def said(text: str, model: str = "gpt-4o") -> httpx.Response:
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    return httpx.Response(200, json={"model": model, "choices": [choice], "usage": usage})


def models(route: respx.Route) -> list[str]:
    return [json.loads(call.request.content)["model"] for call in route.calls]


async def ask(llm: LLMClient, seconds: float = 60) -> Any:
    return await llm.ask(ASK, max_tokens=100, deadline=llm.clock.monotonic() + seconds)


@respx.mock
async def test_the_primary_answers_where_it_can() -> None:
    route = respx.post(OPENAI).mock(return_value=said("hi"))
    reply = await ask(client(SteppedClock())[0])
    assert (reply.content, reply.model, reply.tokens) == ("hi", "gpt-4o", 10)
    assert route.calls[0].request.headers["authorization"] == "Bearer k1"
    assert "traceparent" in route.calls[0].request.headers


@respx.mock
async def test_a_passing_error_is_tried_again_after_a_pause() -> None:
    route = respx.post(OPENAI).mock(side_effect=[httpx.Response(503), said("hi")])
    llm, naps = client(SteppedClock())
    assert (await ask(llm)).content == "hi"
    assert models(route) == ["gpt-4o", "gpt-4o"]
    assert len(naps.taken) == 1
    assert 0 <= naps.taken[0] <= 0.25


@respx.mock
async def test_retry_after_is_waited_for() -> None:
    respx.post(OPENAI).mock(side_effect=[httpx.Response(429, headers={"Retry-After": "2"}), said("hi")])
    llm, naps = client(SteppedClock())
    await ask(llm)
    assert naps.taken[0] >= 2.0


@respx.mock
async def test_a_model_that_asks_for_long_quiet_is_passed_over_and_left_alone() -> None:
    route = respx.post(OPENAI).mock(
        side_effect=[httpx.Response(429, headers={"Retry-After": "60"}), said("a"), said("b")]
    )
    llm, _ = client(SteppedClock())
    await ask(llm)
    await ask(llm)
    assert models(route) == ["gpt-4o", "gpt-4o-mini", "gpt-4o-mini"]


@respx.mock
async def test_a_slow_model_is_not_asked_twice() -> None:
    route = respx.post(OPENAI).mock(side_effect=[httpx.ReadTimeout("slow"), said("hi", "gpt-4o-mini")])
    assert (await ask(client(SteppedClock())[0])).model == "gpt-4o-mini"
    assert models(route) == ["gpt-4o", "gpt-4o-mini"]


@respx.mock
async def test_a_malformed_request_is_neither_repeated_nor_taken_elsewhere() -> None:
    route = respx.post(OPENAI).mock(return_value=httpx.Response(400))
    with pytest.raises(Rejected, match="http_400"):
        await ask(client(SteppedClock())[0])
    assert route.call_count == 1


@respx.mock
async def test_the_other_vendor_speaks_its_own_protocol() -> None:
    respx.post(OPENAI).mock(return_value=httpx.Response(401))
    answer = {"model": "claude-sonnet-4-5", "content": [{"type": "text", "text": "hi"}], "usage": {"input_tokens": 5}}
    route = respx.post(ANTHROPIC).mock(return_value=httpx.Response(200, json=answer))
    reply = await ask(client(SteppedClock())[0])
    assert (reply.content, reply.model) == ("hi", "claude-sonnet-4-5")
    body = json.loads(route.calls[0].request.content)
    assert body["system"] == "be brief"
    assert [turn["role"] for turn in body["messages"]] == ["user"]
    assert route.calls[0].request.headers["x-api-key"] == "k2"


@respx.mock
async def test_with_every_model_down_each_reason_is_told_and_then_nobody_is_asked() -> None:
    first = respx.post(OPENAI).mock(return_value=httpx.Response(500))
    second = respx.post(ANTHROPIC).mock(side_effect=httpx.ConnectError("down"))
    llm, _ = client(SteppedClock())
    with pytest.raises(Unavailable, match="gpt-4o http_500, gpt-4o-mini http_500, claude-sonnet-4-5 connection"):
        await ask(llm)
    assert (first.call_count, second.call_count) == (6, 3)
    with pytest.raises(Unavailable):
        await ask(llm)
    assert (first.call_count, second.call_count) == (10, 5)
    with pytest.raises(Unavailable, match="breaker_open"):
        await ask(llm)
    assert (first.call_count, second.call_count) == (10, 5)
    assert set(llm.states().values()) == {"open"}


@respx.mock
async def test_the_deadline_ends_the_cascade() -> None:
    clock = SteppedClock()

    def slow(request: httpx.Request) -> httpx.Response:
        clock.now += 5
        return httpx.Response(500)

    respx.post(OPENAI).mock(side_effect=slow)
    with pytest.raises(TimedOut, match="deadline_exceeded"):
        await ask(client(clock)[0], seconds=4)


@respx.mock
@pytest.mark.parametrize("body", [{"choices": []}, {"error": {"message": "x"}}, [], {"choices": [{"message": None}]}])
async def test_a_200_without_an_answer_is_a_passing_error(body: Any) -> None:
    respx.post(OPENAI).mock(side_effect=[httpx.Response(200, json=body), said("hi")])
    assert (await ask(client(SteppedClock())[0])).content == "hi"


def test_broken_tool_arguments_are_told_apart_from_none() -> None:
    calls = [
        {"id": "1", "function": {"name": "a", "arguments": "{"}},
        {"id": "2", "function": {"name": "b", "arguments": "{}"}},
        {"id": "3", "function": {"name": "c", "arguments": "[1]"}},
    ]
    reply = OpenAI("http://x/v1", "k").reply("m", {"choices": [{"message": {"content": None, "tool_calls": calls}}]})
    assert [call.arguments for call in reply.tool_calls] == [None, {}, None]


def test_anthropic_joins_results_of_parallel_calls_into_one_turn() -> None:
    calls = (ToolCall(id="1", name="a", arguments={}), ToolCall(id="2", name="b", arguments={"x": 1}))
    turns = [
        *ASK,
        Message(role="assistant", tool_calls=calls),
        Message(role="tool", tool_call_id="1", content="one"),
        Message(role="tool", tool_call_id="2", content="two"),
    ]
    tool = ToolSpec(name="a", description="d", parameters={"type": "object"})
    body = Anthropic("http://x", "k").body("claude", turns, [tool], 9)
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert [block["tool_use_id"] for block in body["messages"][2]["content"]] == ["1", "2"]
    assert body["tools"][0]["input_schema"] == {"type": "object"}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "3", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, 0.0),
    ],
)
def test_retry_after_in_each_of_its_spellings(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx.Headers(headers), now=60.0) == seconds
