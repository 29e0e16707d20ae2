"""A run directory with a little of everything, and text that would love to be markup."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.clock import ManualClock
from harness.core.events import Fault, Operation, Phase, PodEvent, RunEnded, RunStarted
from harness.core.findings import Evidence, Finding
from harness.core.verdict import Verdict
from harness.evidence.rundir import RunDir

HOSTILE = "</script><script>alert(1)</script> & `tick` | pipe \x00\x1b[31m \ud7ff ☃ <b>"


def finding(name: str, verdict: Verdict, *, text: str = "", events: tuple[str, ...] = ()) -> Finding:
    suite, scope, _ = f"{name}//".split("/")[:3]
    return Finding(
        id=name,
        suite=suite,
        scope=scope,
        title=f"the rule of {name} {text}",
        verdict=verdict,
        summary=f"what was seen {text}",
        evidence=(Evidence(text=f"a line of proof {text}", events=events),),
        fix="" if verdict is Verdict.PASS else f"mend {name} {text}",
        replay=f"windtunnel {suite} --seed 7",
    )


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """Two phases of load, a fault with its witness, a failed request, one finding of every verdict."""
    clock = ManualClock(now=50.0)
    run = RunDir.create(tmp_path, clock=clock, seed=7)
    with run.recorder("main", clock) as recorder:
        recorder.emit(
            RunStarted(target="shop", target_kind="local", suites=("load",), seed=7, version="1", command="verify")
        )
        recorder.emit(Phase(name="1x", edge="start", rate=2.0), suite="load")
        for n in range(4):
            recorder.emit(Operation(step="invoke", op=f"o{n}", process="p", kind="run"), suite="load")
            clock.advance(0.5)
            step = "ok" if n else "fail"
            recorder.emit(
                Operation(step=step, op=f"o{n}", process="p", kind="run", latency_s=0.5 + n), suite="load"
            )
        recorder.emit(Phase(name="1x", edge="end"), suite="load")
        for stage in ("planned", "undo_written", "injected", "witnessed", "undone"):
            recorder.emit(
                Fault(stage=stage, fault="f1", kind="pod_kill", subject="pod a", detail=HOSTILE), suite="chaos"
            )
            clock.advance(1)
        recorder.emit(PodEvent(pod="a", workload="a", reason="Killed"), suite="chaos")
        recorder.emit(RunEnded(outcome="completed"))
    run.write_findings(
        [
            finding("chaos/kill/lost", Verdict.FAIL, text=HOSTILE, events=("main-3",)),
            finding("chaos/kill/infra", Verdict.INFRA),
            finding("load/slo", Verdict.INCONCLUSIVE),
            finding("scenarios/x", Verdict.NOT_RUN),
            finding("contracts/a/ok", Verdict.PASS),
        ]
    )
    return run
