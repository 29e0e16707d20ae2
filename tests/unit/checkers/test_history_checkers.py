"""Each checker against histories that violate it, and against generated ones with a known truth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checkers.answered_under_fault import answered_under_fault
from harness.checkers.effects_at_most_once import effects_at_most_once
from harness.checkers.fault_proof import fault_proof
from harness.checkers.no_lost_task import no_lost_task
from harness.checkers.terminal_states import terminal_states
from harness.core.clock import ManualClock
from harness.core.events import Check, Effect, Fault, LlmCall, Operation, Phase
from harness.core.findings import Checker, Finding
from harness.core.verdict import Verdict
from harness.evidence.recorder import MemoryRecorder

PASS, FAIL, UNDECIDED = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


class History:
    """Writes what a client would have recorded; every step takes a second."""

    def __init__(self, *asked: str) -> None:
        self.clock = ManualClock()
        self.recorder = MemoryRecorder(clock=self.clock)
        self.ops = 0
        payload = {"checkers": list(asked)}
        self.emit(Check(check="experiment", subject="x", title="t", outcome="pass", payload=payload))

    def emit(self, body: Any) -> None:
        self.clock.advance(1)
        self.recorder.emit(body, suite="chaos", scope="x")

    def op(self, kind: str, key: str, step: str, *, answer: str = "", phase: str = "during", **value: Any) -> None:
        name = self.begin(kind, key, phase)
        self.end(name, kind, answer or key, step, phase, **value)

    def begin(self, kind: str, key: str, phase: str = "during") -> str:
        self.ops += 1
        name = f"op{self.ops}"
        self.emit(Operation(step="invoke", op=name, process=key, kind=kind, service="a", key=key, phase=phase))
        return name

    def end(self, name: str, kind: str, key: str, step: Any, phase: str = "during", **value: Any) -> None:
        self.emit(Operation(step=step, op=name, process=key, kind=kind, service="a", key=key, phase=phase, value=value))

    def task(self, key: str, task: str, *states: str, phase: str = "during") -> None:
        self.op("submit", key, "ok", answer=task, phase=phase, status="pending")
        for state in states:
            self.op("status", task, "ok", phase=phase, status=state, output="o")

    def effect(self, task: str, key: str = "", outcome: str = "ok") -> None:
        self.emit(Effect(service="t", tool="s", task_id=task, idempotency_key=key, outcome=outcome))

    def judge(self, checker: Checker) -> Finding:
        (finding,) = checker(self.recorder.events)
        return finding


def test_a_task_that_was_accepted_and_never_seen_to_end_is_lost() -> None:
    history = History()
    history.task("k1", "t1", "running", "completed")
    history.task("k2", "t2", "running")
    found = history.judge(no_lost_task)
    assert (found.verdict, found.metrics["lost"]) == (FAIL, 1)
    assert "t2" in found.evidence[0].text


def test_a_task_cut_off_from_view_is_unknown_and_not_lost() -> None:
    history = History()
    history.task("k1", "t1", "running")
    history.emit(Phase(name="settle", edge="start", measured=False))
    assert history.judge(no_lost_task).verdict is UNDECIDED
    history.emit(Phase(name="settle", edge="end"))
    assert history.judge(no_lost_task).verdict is FAIL


def test_a_task_that_failed_has_ended_and_is_not_lost() -> None:
    history = History()
    history.task("k1", "t1", "failed")
    assert history.judge(no_lost_task).verdict is PASS


def test_one_key_accepted_as_two_tasks_fails() -> None:
    history = History()
    history.task("k1", "t1", "completed")
    history.task("k1", "t2", "completed")
    assert (found := history.judge(no_lost_task)).verdict is FAIL
    assert found.metrics["duplicates"] == 1


def test_an_effect_of_a_task_that_nobody_handed_in_fails() -> None:
    history = History()
    history.task("k1", "t1", "completed")
    history.effect("t9")
    assert "1 never handed in" in history.judge(no_lost_task).summary


def test_a_try_without_an_answer_may_have_happened_or_not() -> None:
    history = History()
    history.task("k1", "t1", "completed")
    history.op("submit", "k2", "info")
    assert history.judge(no_lost_task).verdict is PASS
    history.effect("t2")
    assert history.judge(no_lost_task).verdict is PASS, "the try of k2 explains it"
    history.effect("t3")
    assert history.judge(no_lost_task).verdict is FAIL, "nothing explains a second one"


def test_an_operation_that_never_ended_is_unknown_too() -> None:
    history = History()
    history.task("k1", "t1", "completed")
    history.begin("submit", "k2")
    history.effect("t2")
    assert history.judge(no_lost_task).verdict is PASS


@pytest.mark.parametrize(
    "checker", [no_lost_task, terminal_states, effects_at_most_once, answered_under_fault, fault_proof]
)
def test_no_evidence_is_never_a_pass(checker: Checker) -> None:
    name = checker.__name__
    assert History(name).judge(checker).verdict is UNDECIDED


def test_an_action_that_took_effect_twice_fails() -> None:
    history = History()
    history.effect("t1", "k")
    history.effect("t1", "other")
    assert history.judge(effects_at_most_once).verdict is PASS
    history.effect("t1", "k")
    assert (found := history.judge(effects_at_most_once)).verdict is FAIL
    assert found.metrics["duplicate_effects"] == 1


def test_a_repeat_without_keys_is_told_by_task_and_arguments() -> None:
    history = History()
    history.effect("t1")
    history.effect("t1")
    assert history.judge(effects_at_most_once).verdict is FAIL


def test_a_call_that_the_tool_refused_is_no_effect() -> None:
    history = History()
    history.effect("t1", "k")
    history.effect("t1", "k", outcome="duplicate")
    assert history.judge(effects_at_most_once).verdict is PASS


@pytest.mark.parametrize("states", [("completed", "failed"), ("completed", "running"), ("running", "pending")])
def test_a_past_that_changes_fails(states: tuple[str, ...]) -> None:
    history = History()
    history.task("k0", "t0", "completed")
    history.task("k1", "t1", *states)
    assert history.judge(terminal_states).verdict is FAIL


def test_another_output_of_an_ended_task_fails() -> None:
    history = History()
    history.task("k1", "t1", "completed")
    history.op("status", "t1", "ok", status="completed", output="another")
    assert "another output" in history.judge(terminal_states).summary


def test_reads_that_overlap_may_come_back_in_any_order() -> None:
    history = History()
    history.task("k1", "t1")
    early, late = history.begin("status", "t1"), history.begin("status", "t1")
    history.end(late, "status", "t1", "ok", status="completed", output="o")
    history.end(early, "status", "t1", "ok", status="running")
    assert history.judge(terminal_states).verdict is PASS


def fault(stage: Any, kind: str = "llm_latency", **more: Any) -> Fault:
    return Fault(stage=stage, fault="f1", kind=kind, subject="gpt", **more)


def proofs(*faults: Fault) -> dict[str, Verdict]:
    history = History()
    for body in faults:
        history.emit(body)
    return {found.id.split("/")[2]: found.verdict for found in fault_proof(history.recorder.events)}


def test_a_fault_needs_a_witness_the_right_strength_and_an_undo() -> None:
    begun = (fault("planned"), fault("injected"))
    right = fault("witnessed", measured={"planned_s": 15.0, "measured_s": 14.0})
    weak = fault("witnessed", measured={"planned_s": 15.0, "measured_s": 11.0})
    infra = Verdict.INFRA
    assert proofs(*begun, right, fault("undone")) == {"fault_proof": PASS, "undone": PASS}
    assert proofs(*begun, weak, fault("undone")) == {"fault_proof": UNDECIDED, "undone": PASS}
    assert proofs(*begun, fault("undone")) == {"fault_proof": UNDECIDED, "undone": PASS}
    assert proofs(*begun, right) == {"fault_proof": PASS, "undone": infra}
    assert proofs(*begun, right, fault("undo_failed")) == {"fault_proof": PASS, "undone": infra}
    assert proofs(fault("planned"), fault("not_witnessed", detail="refused")) == {"fault_proof": UNDECIDED}


def test_answers_by_the_broken_model_alone_are_no_fallback() -> None:
    def history(model: str, state: str = "completed") -> Finding:
        story = History("answered_under_fault")
        story.emit(fault("planned", params={"model": "big"}))
        story.emit(fault("injected"))
        story.task("k1", "t1", state)
        story.emit(LlmCall(session="s", ordinal=1, model=model, status=200))
        story.emit(fault("undone"))
        return story.judge(answered_under_fault)

    assert history("small").verdict is PASS
    assert history("big").verdict is FAIL
    assert history("small", state="failed").verdict is FAIL
    assert history("small", state="running").verdict is FAIL


def test_an_answer_that_could_not_be_waited_for_is_no_failure() -> None:
    story = History("answered_under_fault")
    story.task("k1", "t1", "running")
    story.emit(Phase(name="settle", edge="start"))
    assert story.judge(answered_under_fault).verdict is UNDECIDED
    story.task("k2", "t2", "failed")
    assert story.judge(answered_under_fault).verdict is FAIL


TASK = st.tuples(
    st.sampled_from(["completed", "failed", "cancelled", "lost"]),
    st.integers(1, 3),  # tries under the same key
    st.booleans(),  # the first of several tries got no answer
)


@given(st.lists(TASK, max_size=30), st.randoms(use_true_random=False))
def test_generated_histories_are_judged_by_what_was_put_into_them(plan: list[Any], rng: Any) -> None:
    history = History("no_lost_task")
    steps = []
    for number, (end, tries, silent) in enumerate(plan):
        rows = []
        for attempt in range(tries):
            unknown = silent and attempt == 0 and tries > 1
            rows.append(("submit", f"k{number}", "info" if unknown else "ok", f"t{number}", "pending"))
        rows.append(("status", f"t{number}", "ok", f"t{number}", "running" if end == "lost" else end))
        steps.append(rows)
    while steps := [rows for rows in steps if rows]:  # interleave the clients
        kind, key, step, answer, status = rng.choice(steps).pop(0)
        history.op(kind, key, step, answer=answer if step == "ok" else key, status=status)
    lost = sum(1 for end, _, _ in plan if end == "lost")
    found = history.judge(no_lost_task)
    assert found.verdict is (FAIL if lost else PASS if plan else UNDECIDED)
    assert found.metrics["lost"] == lost
    assert found.metrics["accepted"] == len(plan)
    assert found.metrics["duplicates"] == 0
