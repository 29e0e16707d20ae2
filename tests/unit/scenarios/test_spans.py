"""The assertion `spans`: what is missing, torn, uncounted or told too much is found; what nobody saw is no pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from harness.evidence.traces.span import Span
from harness.scenarios.observation import Answer, EffectSeen, ModelCall, Observation, caller_span
from harness.scenarios.then.spans import Spans

TRACE = "a" * 32
CALLER = caller_span(TRACE)


def span(n: int, parent: int, service: str, name: str = "s", kind: str = "server", **attributes: str | int) -> Span:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    above = f"{parent:016x}" if parent else CALLER
    return Span(TRACE, f"{n:016x}", above, name, kind, service, 1, 2, named)


CHAT = {"gen_ai__request__model": "m", "gen_ai__usage__input_tokens": 7, "gen_ai__usage__output_tokens": 3}
TOOL = {"gen_ai__tool__name": "search", "tool__version": "1.0.0", "tool__outcome": "ok"}
WHOLE = (
    span(1, 0, "door"),
    span(2, 1, "agent", "chat m", "client", **CHAT),
    span(3, 1, "agent", "execute_tool search", "client", **TOOL),
    span(4, 3, "tool"),
)
SEEN = Observation(
    answers=(Answer("", "user", "t", "completed", "out", "", 200, {}, 1.0, TRACE),),
    models=(ModelCall("m", 200, prompt_tokens=7, completion_tokens=3, trace_id=TRACE),),
    effects=(EffectSeen("search", "t", "k", "h", "ok", trace_id=TRACE),),
    spans=WHOLE,
)
WISH = Spans(joins=("door", "agent", "tool"), kinds=("client",), models=True, tools=True, lacks=("CANARY",))


def test_a_whole_trace_holds() -> None:
    claim = WISH.judge(SEEN)
    assert claim.holds is True
    assert "4 spans joins 3 services" in claim.detail


def without(n: int) -> tuple[Span, ...]:
    return tuple(one for one in WHOLE if one.span_id != f"{n:016x}")


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ((), "no span at all"),
        (without(4), "has tool"),
        (without(1), "has door"),
        (without(3), "the parent of tool's s"),
        (without(2), "no span with their tokens"),
        (
            (*without(2), span(2, 1, "agent", "chat m", "client", **{**CHAT, "gen_ai__usage__input_tokens": 8})),
            "tokens",
        ),
        ((*without(3), span(3, 1, "agent", "call", "client")), "no span of a tool call"),
        ((*without(3), span(3, 1, "agent", "call", "client", gen_ai__tool__name="search")), "no version"),
        ((*WHOLE, span(5, 1, "agent", "the CANARY")), "stands in agent's span"),
        ((*WHOLE, span(5, 1, "agent", "x", "internal", note="a CANARY")), "stands in agent's span"),
        (tuple(replace(one, end_ns=1) for one in WHOLE), "took no time"),
    ],
)
def test_what_is_wrong_with_a_trace_is_said(spans: tuple[Span, ...], said: str) -> None:
    claim = WISH.judge(replace(SEEN, spans=spans))
    assert claim.holds is False
    assert said in claim.detail


@pytest.mark.parametrize(
    ("seen", "wish"),
    [
        (replace(SEEN, spans=None), WISH),
        (replace(SEEN, models=()), Spans(models=True)),
        (replace(SEEN, effects=None), Spans(tools=True)),
    ],
)
def test_what_could_not_be_seen_is_no_pass(seen: Observation, wish: Spans) -> None:
    assert wish.judge(seen).holds is None


def test_spans_of_other_traces_join_nothing() -> None:
    apart = (*without(4), replace(WHOLE[3], trace_id="b" * 32))
    assert Spans(joins=("door", "tool")).judge(replace(SEEN, spans=apart)).holds is False


def test_it_has_to_say_something() -> None:
    with pytest.raises(ValidationError, match="at least one of"):
        Spans()
