"""What the marks of `harness.marks` ask for: a test run several times, its SLOs, scenarios played before it."""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.app.testing import AgentStack, shown
from harness.checkers.slo import error_of, latency, measure
from harness.core.errors import ConfigError, Failure, HarnessError
from harness.core.events import Event
from harness.core.findings import CHECKERS, Finding, judge, verdict_of
from harness.core.history import calls
from harness.core.seed import Seed
from harness.core.verdict import Verdict
from harness.evidence.recorder import MemoryRecorder
from harness.scenarios.repetition import wilson
from harness.scenarios.suite import ScenariosSuite
from harness.targets.suite import Silent, SuiteContext


def repeated(test: Callable[[], None], times: int, needed: int, again: Callable[[int], None]) -> None:
    """Call `test` up to `times` times, `again(number)` before each call but the first, until it is decided whether
    `needed` of them pass.

    Raises Failure with the first failure as its cause. A HarnessError counts neither way; a ConfigError and what is
    no Exception (a skip, an interrupt) ends it all.
    """
    passed, spoilt, first = 0, list[HarnessError](), None
    failed = 0
    for number in range(1, times + 1):
        if passed >= needed or failed > times - needed:
            break
        if number > 1:
            again(number)
        try:
            test()
            passed += 1
        except ConfigError:
            raise
        except HarnessError as error:
            spoilt.append(error)
        except Exception as error:
            failed += 1
            first = first or (number, error)
    if passed >= needed:
        return
    low, high = wilson(passed, passed + failed)
    text = f"{passed} of {passed + failed} runs passed, {needed} of {times} are wanted"
    text += f" (the rate is {low:.0%} to {high:.0%}, with 95% confidence)" if passed + failed else ""
    if spoilt:
        text += f"; {len(spoilt)} could not be carried out: {spoilt[0]}"
    if first is None:
        raise Failure(text)
    raise Failure(f"{text}; the first to fail was run {first[0]}: {first[1]}") from first[1]


def within(limits: Mapping[str, float], events: Sequence[Event]) -> None:
    """Hold what was handed in against `limits`, as the checker of a load phase does. Raises Failure."""
    history = [call for call in calls(events) if call.sent.kind in ("run", "submit")]
    if not history:
        raise Failure("the SLO has nothing to judge: the test handed in nothing through `agents`")
    good_within_s = limits.get("p99_s", math.inf)
    broken = []
    for name, limit in limits.items():
        seen, least = measure(name, history, good_within_s), name == "goodput"
        if seen < limit if least else seen > limit:
            broken.append(f"  {name} is {seen:.4g}, {'at least' if least else 'at most'} {limit:g} is wanted")
    if broken:
        slowest = sorted(history, key=latency, reverse=True)[:5]
        rows = [f"  | {c.sent.kind} {c.sent.service}: {latency(c):.3f} s, {error_of(c) or 'ok'}" for c in slowest]
        raise Failure("\n".join([f"SLO missed over {len(history)} requests:", *broken, "the slowest:", *rows]))


def played(stack: AgentStack, names: tuple[str, ...]) -> tuple[Finding, ...]:
    """Play the scenarios `names` on the open stack and judge them. Raises Failure unless all hold, ConfigError."""
    CHECKERS.discover("harness.checkers")
    workspace = stack.workspace
    recorder = MemoryRecorder(clock=stack.clock, writer="scenarios")

    async def play(folder: Path) -> None:
        await ScenariosSuite().run(
            SuiteContext(
                config=workspace.config,
                target=stack.target,
                recorder=recorder,
                run_dir=folder,
                clock=stack.clock,
                seed=Seed(workspace.config.seed).derive("scenarios"),
                progress=Silent(),
                stop=asyncio.Event(),
                only=names,
            )
        )

    with tempfile.TemporaryDirectory(prefix="windtunnel-") as folder:
        stack.loop.run(play(Path(folder)))
    findings = judge(recorder.events)
    if verdict_of(findings) is not Verdict.PASS:
        raise Failure(shown(findings))
    return findings
