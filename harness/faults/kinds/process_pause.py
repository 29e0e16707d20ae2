"""A process is stopped with SIGSTOP: it holds its connections and does nothing, the gray failure."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pydantic import Field

from harness.core.errors import ConfigError, InfraError
from harness.faults.edges import Edges
from harness.faults.fault import FAULTS, Injection, Params, Site, Witnessed
from harness.faults.undo_steps import SignalStep, start_time


class ProcessPauseParams(Params):
    """`count` ready pods of `workload`, chosen by the seed, stand still."""

    workload: str
    count: int = Field(1, ge=1)


@FAULTS.register("process_pause")
class ProcessPause:
    """Witness: the kernel shows every process of the pods as stopped (state T in /proc)."""

    params = ProcessPauseParams

    def plan(self, params: ProcessPauseParams, site: Site) -> Injection:
        pods = [pod for pod in Edges.of(site).pods(params.workload) if pod["ready"] and pod["pids"]]
        if len(pods) < params.count:
            raise ConfigError(
                f"{params.workload} has {len(pods)} ready pods, {params.count} were to be paused",
                hint="windtunnel status shows the pods",
            )
        victims = site.rng.sample(sorted(pods, key=lambda pod: str(pod["name"])), params.count)
        started = {int(pid): start_time(int(pid)) for pod in victims for pid in pod["pids"]}
        return Injection(
            kind="process_pause",
            subject=", ".join(f"pod {pod['name']}" for pod in victims),
            params=params,
            victims=tuple(str(pod["name"]) for pod in victims),
            undo=tuple(
                SignalStep(pid, start, int(signal.SIGCONT)) for pid, start in started.items() if start is not None
            ),
        )

    def inject(self, injection: Injection, site: Site) -> None:
        for step in injection.undo:
            assert isinstance(step, SignalStep)
            if start_time(step.pid) != step.start:
                raise InfraError(f"process {step.pid} ended before it was paused", definite=False)
            os.kill(step.pid, signal.SIGSTOP)

    def witness(self, injection: Injection, site: Site) -> Witnessed:
        pids = [step.pid for step in injection.undo if isinstance(step, SignalStep)]
        seen = bool(pids) and bool(site.wait_for(lambda: all(_state(pid) == "T" for pid in pids), 2.0))
        states = {str(pid): _state(pid) for pid in pids}
        detail = ", ".join(f"process {pid} is in state {state}" for pid, state in states.items())
        return Witnessed("process state in /proc", seen, {"stopped": list(states.values()).count("T")}, detail)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "gone"
