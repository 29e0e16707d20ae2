"""The suite over a small target: what it records, and what the checkers make of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.chaos.suite import ChaosSuite
from harness.core.clock import RealClock
from harness.core.errors import ConfigError
from harness.core.events import RunEnded, RunStarted
from harness.core.findings import CHECKERS, Finding, judge
from harness.core.seed import Seed
from harness.core.verdict import Verdict
from harness.evidence.rundir import RunDir
from harness.faults.undo_log import UndoLog
from harness.targets.suite import Silent, SuiteContext

KILL = ("pod_kill", {"workload": "agent", "timeout_s": 2})
LATE = ("llm_latency", {"seconds": 0.5, "model": "gpt-4o"})
ASKED = ["no_lost_task", "terminal_states", "effects_at_most_once", "fault_proof"]


def action(func: str, **arguments: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": "harness.chaos.actions", "func": func, "arguments": arguments}
    return {"type": "action", "name": f"{func} {arguments.get('phase', '')}".strip(), "provider": provider}


def experiment(*faults: tuple[str, dict[str, Any]], **changes: Any) -> dict[str, Any]:
    ready = {"type": "python", "module": "harness.chaos.probes", "func": "ready", "arguments": {"service": "agent"}}
    probe = {"type": "probe", "name": "agent is ready", "tolerance": True, "provider": ready}
    return {
        "title": "A small experiment",
        "description": "It breaks a small target.",
        "steady-state-hypothesis": {"title": "ready", "probes": [probe]},
        "method": [
            action("observe", phase="before", seconds=0.5),
            *(action("inject", fault=kind, params=params) for kind, params in faults),
            action("observe", phase="during", seconds=0.5),
            action("undo"),
            action("observe", phase="after", seconds=0.4),
        ],
        "rollbacks": [action("undo")],
        "extensions": [
            {
                "name": "windtunnel",
                "load": {"service": "agent", "rate": 20, "prompts": ["hello"], "deadline_s": 2},
                "settle_s": 5,
                "checkers": ASKED,
            }
        ],
        **changes,
    }


class Bed:
    """A workspace with one experiment, and the run it makes."""

    def __init__(self, fake: Any, root: Path) -> None:
        self.fake, self.root = fake, root
        self.stop = asyncio.Event()
        (root / "chaos").mkdir()
        self.run_dir = RunDir.create(root / "reports", clock=RealClock(), seed=1)

    def lay(self, document: dict[str, Any], name: str = "small") -> None:
        (self.root / "chaos" / f"{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))

    async def run(self) -> dict[str, Finding]:
        clock = RealClock()
        with self.run_dir.recorder("run", clock) as recorder:
            recorder.emit(
                RunStarted(target="t", target_kind="external", suites=("chaos",), seed=1, version="0", command="x")
            )
            await ChaosSuite().run(
                SuiteContext(
                    config=self.fake.config(self.root),
                    target=self.fake.target(self.root),
                    recorder=recorder,
                    run_dir=self.run_dir.path,
                    clock=clock,
                    seed=Seed(1).derive("chaos"),
                    progress=Silent(),
                    stop=self.stop,
                )
            )
            recorder.emit(RunEnded(outcome="completed"))
        CHECKERS.discover("harness.checkers")
        return {finding.id: finding for finding in judge(self.run_dir.events())}

    def nothing_left(self) -> bool:
        return not self.fake.left() and not UndoLog(self.root / ".windtunnel").records()


@pytest.fixture
def bed(fake: Any, tmp_path: Path) -> Bed:
    return Bed(fake, tmp_path)


async def test_a_target_that_survives_two_faults_at_once_passes_all_round(bed: Bed) -> None:
    bed.lay(experiment(LATE, KILL))
    found = await bed.run()
    assert {name: finding.verdict for name, finding in found.items()} == dict.fromkeys(
        (
            "chaos/completed",
            "chaos/small/experiment/small",
            "chaos/small/no_lost_task",
            "chaos/small/terminal_states",
            "chaos/small/effects_at_most_once",
            "chaos/small/fault_proof/llm_latency",
            "chaos/small/fault_proof/pod_kill",
            "chaos/small/undone/llm_latency",
            "chaos/small/undone/pod_kill",
        ),
        Verdict.PASS,
    )
    assert found["chaos/small/no_lost_task"].metrics["accepted"] > 10
    assert len(bed.fake.killed) == 1
    assert bed.nothing_left()


async def test_a_target_that_forgets_tasks_when_a_pod_dies_fails(bed: Bed) -> None:
    bed.fake.loses = True
    bed.lay(experiment(KILL))
    found = await bed.run()
    lost = found["chaos/small/no_lost_task"]
    assert lost.verdict is Verdict.FAIL
    assert lost.metrics["lost"] >= 1
    assert lost.evidence[0].events


async def test_a_target_that_does_things_twice_fails(bed: Bed) -> None:
    bed.fake.doubles = True
    bed.lay(experiment(KILL))
    assert (await bed.run())["chaos/small/effects_at_most_once"].verdict is Verdict.FAIL


async def test_a_fault_that_takes_no_effect_is_never_a_pass(bed: Bed) -> None:
    bed.fake.deaf = True
    bed.lay(experiment(LATE))
    found = await bed.run()
    assert found["chaos/small/fault_proof/llm_latency"].verdict is Verdict.INCONCLUSIVE
    assert found["chaos/small/experiment/small"].verdict is Verdict.INCONCLUSIVE
    assert bed.nothing_left()


async def test_an_injection_that_is_refused_is_never_a_pass(bed: Bed) -> None:
    bed.fake.broken = 1
    bed.lay(experiment(LATE))
    found = await bed.run()
    assert found["chaos/small/experiment/small"].verdict is Verdict.INCONCLUSIVE
    assert found["chaos/small/fault_proof/llm_latency"].verdict is Verdict.INCONCLUSIVE
    assert bed.nothing_left()


async def test_a_target_that_is_not_ready_before_the_fault_is_left_alone(bed: Bed) -> None:
    bed.fake.ready = False
    bed.lay(experiment(KILL))
    found = await bed.run()
    assert found["chaos/small/experiment/small"].verdict in (Verdict.INCONCLUSIVE, Verdict.INFRA)
    assert not bed.fake.killed


async def test_stopping_undoes_and_returns(bed: Bed) -> None:
    document = experiment(LATE)
    document["method"][2] = action("observe", phase="during", seconds=60)
    bed.lay(document)
    running = asyncio.create_task(bed.run())
    async with asyncio.timeout(20):
        while not bed.fake.faults:  # noqa: ASYNC110 - the fake runs in a thread
            await asyncio.sleep(0.02)
    bed.stop.set()
    async with asyncio.timeout(20):
        found = await running
    assert found["chaos/completed"].verdict is Verdict.INFRA
    assert found["chaos/small/experiment/small"].verdict is not Verdict.PASS
    assert bed.nothing_left()


async def test_a_wrong_file_names_its_line_and_nothing_is_touched(bed: Bed) -> None:
    document = experiment(KILL)
    document["extensions"][0]["load"]["rate"] = -1
    bed.lay(document)
    with pytest.raises(ConfigError, match=r"small\.yaml:\d+: .*load\.rate"):
        await bed.run()
    assert not bed.fake.killed


async def test_more_victims_than_allowed_are_refused_before_anything_is_touched(bed: Bed) -> None:
    bed.lay(experiment(("pod_kill", {"workload": "agent", "count": 2})))
    found = await bed.run()
    assert "max_victims is 1" in found["chaos/small/experiment/small"].summary
    assert found["chaos/small/experiment/small"].verdict is Verdict.INCONCLUSIVE
    assert not bed.fake.killed


@pytest.mark.parametrize(
    ("fault", "checkers", "message"),
    [
        (("pod_kil", {}), ASKED, r"small\.yaml: unknown fault 'pod_kil'"),
        (("pod_kill", {"workloud": "agent"}), ASKED, r"small\.yaml: fault pod_kill: workload"),
        (KILL, ["no_lost_tusk"], r"small\.yaml: unknown checker 'no_lost_tusk'"),
    ],
)
async def test_a_typo_in_a_fault_or_a_checker_is_a_mistake_before_anything_is_touched(
    bed: Bed, fault: Any, checkers: list[str], message: str
) -> None:
    document = experiment(fault)
    document["extensions"][0]["checkers"] = checkers
    bed.lay(document)
    with pytest.raises(ConfigError, match=message):
        await bed.run()
    assert not bed.fake.killed
