from collections.abc import Iterable

from harness.checkers.checks import checks
from harness.checkers.completeness import completeness
from harness.core.clock import ManualClock
from harness.core.events import AnyBody, Check, RunEnded, RunStarted, SuiteEnded, SuiteStarted
from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.evidence.recorder import MemoryRecorder

BEGIN = RunStarted(target="t", target_kind="local", suites=("load",), seed=1, version="0", command="verify")
END = RunEnded(outcome="completed")
DONE = SuiteEnded(suite="load", outcome="completed")


def judge(*rows: AnyBody | tuple[AnyBody, str]) -> dict[str, Finding]:
    recorder = MemoryRecorder(clock=ManualClock())
    for row in rows:
        body, scope = row if isinstance(row, tuple) else (row, "")
        recorder.emit(body, suite="load" if scope else "", scope=scope)
    findings: Iterable[Finding] = completeness(recorder.events)
    return {finding.id: finding for finding in findings}


def a_check(outcome: str = "pass", subject: str = "x") -> Check:
    return Check(check="c", subject=subject, title="it holds", outcome=outcome, cases=2)


def test_a_suite_that_never_began_is_not_run() -> None:
    assert judge(BEGIN, END)["load/completed"].verdict is Verdict.NOT_RUN


def test_a_suite_with_all_its_parts_passes() -> None:
    found = judge(BEGIN, SuiteStarted(suite="load", expects=("a",)), (a_check(), "a"), DONE, END)
    assert {name: finding.verdict for name, finding in found.items()} == {"load/completed": Verdict.PASS}


def test_a_part_without_evidence_is_not_run_and_named() -> None:
    found = judge(BEGIN, SuiteStarted(suite="load", expects=("a", "b")), (a_check(), "a"), DONE, END)["load/completed"]
    assert found.verdict is Verdict.NOT_RUN
    assert found.summary == "no evidence from 1 of 2: b"


def test_a_suite_without_any_evidence_is_not_green() -> None:
    assert judge(BEGIN, SuiteStarted(suite="load"), DONE, END)["load/completed"].verdict is Verdict.NOT_RUN


def test_a_suite_that_broke_off_is_infra() -> None:
    broken = SuiteEnded(suite="load", outcome="infra", detail="no port")
    assert judge(BEGIN, SuiteStarted(suite="load"), broken, END)["load/completed"].verdict is Verdict.INFRA
    assert judge(BEGIN, SuiteStarted(suite="load"), END)["load/completed"].verdict is Verdict.INFRA


def test_a_run_without_a_last_word_is_infra() -> None:
    found = judge(BEGIN, SuiteStarted(suite="load", expects=("a",)), (a_check(), "a"), DONE)
    assert found["run/completed"].verdict is Verdict.INFRA


def test_checks_of_one_subject_are_one_finding_with_the_worst_outcome() -> None:
    recorder = MemoryRecorder(clock=ManualClock())
    recorder.emit_all([a_check(), a_check("fail"), a_check(subject="y")], suite="contracts", scope="s")
    found = {finding.id: finding for finding in checks(recorder.events)}
    assert found["contracts/s/c/x"].verdict is Verdict.FAIL
    assert found["contracts/s/c/x"].evidence[0].events == ("mem-2",)
    assert found["contracts/s/c/x"].metrics == {"cases": 4.0}
    assert found["contracts/s/c/y"].verdict is Verdict.PASS
