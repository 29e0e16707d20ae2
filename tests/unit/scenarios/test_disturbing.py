"""A fault strikes at its moment, and a result that changes afterwards is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from harness.core.errors import InfraError
from harness.scenarios.disturbing import Disturber
from harness.scenarios.model import Disturb, Once, Scenario, Step
from harness.scenarios.observation import Answer, Observation
from harness.scenarios.then.stable import Stable


class Clock:
    """Time that passes with each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 0.5
        return self.now


class Hands:
    def __init__(self) -> None:
        self.struck: list[tuple[str, dict[str, Any], float | None]] = []

    async def strike(self, kind: str, params: Mapping[str, Any], for_s: float | None) -> None:
        self.struck.append((kind, dict(params), for_s))


def disturber(hands: Hands, effects: list[int], asked: list[int]) -> Disturber:
    async def effects_of(tool: str) -> int:
        return effects.pop(0) if len(effects) > 1 else effects[0]

    async def llm_asked() -> int:
        return asked.pop(0) if len(asked) > 1 else asked[0]

    return Disturber(hands, effects_of, llm_asked, Clock())  # type: ignore[arg-type]


KILL: Any = {"kind": "pod_kill", "params": {"workload": "agent"}, "for_s": 2}


@pytest.mark.parametrize("once", [{"effect_of": "send"}, {"llm_asked": 2}, None])
async def test_it_strikes_when_the_moment_has_come(once: Any) -> None:
    hands = Hands()
    await disturber(hands, [0, 0, 1], [0, 1, 2]).disturb(Disturb(**KILL, once=once and Once(**once)))
    assert hands.struck == [("pod_kill", {"workload": "agent"}, 2)]


async def test_a_moment_that_does_not_come_is_no_result() -> None:
    hands = Hands()
    with pytest.raises(InfraError, match="an effect of send within 3 s"):
        await disturber(hands, [0], [0]).disturb(Disturb(**KILL, once=Once(effect_of="send", within_s=3)))
    assert hands.struck == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "pod_kil"}, "pod_kill"),
        ({"params": {"workload": "a", "cuont": 1}}, "cuont"),
        ({"params": {}}, "workload"),
    ],
)
def test_a_fault_that_is_none_is_found_when_the_file_is_read(wrong: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Disturb(**{**KILL, **wrong})


def test_a_moment_is_one_thing() -> None:
    with pytest.raises(ValidationError, match="exactly one of effect_of, llm_asked"):
        Once()


def test_a_scenario_with_a_fault_is_played_alone() -> None:
    quiet = Scenario(title="t", when=(Step(pause_s=1),), then=({"status": "completed"},))  # type: ignore[arg-type]
    assert not quiet.alone
    inner = Step(together=(Step(pause_s=1), Step(fault=Disturb(**KILL))))
    assert Scenario(title="t", when=(inner,), then=quiet.then).alone


def _seen(later: Mapping[str, Any] | None) -> Observation:
    body = {"status": "completed", "output": "a", "duration_ms": 1}
    return Observation(answers=(Answer("", "u", "t1", "completed", "a", "", 200, body, 0.1),), later=later)


def test_a_result_that_changes_after_its_end_is_seen() -> None:
    same = {"status": "completed", "output": "a", "duration_ms": 1}
    assert Stable().judge(_seen({"t1": same})).holds is True
    changed = Stable().judge(_seen({"t1": {**same, "output": "b", "duration_ms": 2}}))
    assert changed.holds is False
    assert "duration_ms, output" in changed.detail
    assert Stable().judge(_seen(None)).holds is None
    assert Stable().judge(_seen({})).holds is None
