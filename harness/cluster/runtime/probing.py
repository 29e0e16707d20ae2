"""A pod's probes while it runs: startup, then readiness and liveness side by side."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from harness.cluster.manifests.documents import Json
from harness.cluster.runtime import process
from harness.cluster.runtime.probe import Probe, http_answer, tcp_answer
from harness.cluster.runtime.state import ContainerState, Surroundings, named_ports

Exec = Callable[[str, list[str]], Awaitable[tuple[int, bytes]]]


@dataclass
class Probing:
    """Probes the containers of the pod `key`. `grace_s` is how long one that fails may take to end."""

    key: str
    around: Surroundings
    ports: Mapping[int, int]
    exec: Exec
    grace_s: float

    async def watch(self, container: Json, state: ContainerState, running: process.Process) -> None:
        """Probe one container until cancelled, or until a failed probe has ended it; keeps `state` up to date."""
        named = named_ports(container)
        startup = Probe.of(container.get("startupProbe"), named)
        if startup is not None and not await self._startup(startup, container, state, running):
            return
        state.started = True
        readiness = Probe.of(container.get("readinessProbe"), named)
        liveness = Probe.of(container.get("livenessProbe"), named)
        if readiness is None:
            state.ready = True
            self.around.changed(self.key)
        jobs = []
        if readiness is not None:
            jobs.append(self._readiness(readiness, container, state))
        if liveness is not None:
            jobs.append(self._liveness(liveness, container, running))
        await asyncio.gather(*jobs)

    async def _startup(self, probe: Probe, container: Json, state: ContainerState, running: process.Process) -> bool:
        failures = 0
        await asyncio.sleep(probe.delay_s)
        while True:
            good, saw = await self._ask(probe, container)
            state.probe_saw = saw
            if good:
                return True
            failures += 1
            if failures >= probe.failure:
                self._unhealthy("Startup", saw)
                running.signal(signal.SIGTERM)
                await running.end(min(self.grace_s, 10.0))
                return False
            # Until the first success a short period costs nothing and saves whole seconds of start-up.
            await asyncio.sleep(min(probe.period_s, 0.2))

    async def _readiness(self, probe: Probe, container: Json, state: ContainerState) -> None:
        good_run = bad_run = 0
        await asyncio.sleep(probe.delay_s if probe.delay_s > 1 else 0)
        ever = False
        while True:
            good, saw = await self._ask(probe, container)
            state.probe_saw = saw
            good_run, bad_run = (good_run + 1, 0) if good else (0, bad_run + 1)
            if good and good_run >= probe.success and not state.ready:
                ever = state.ready = True
                self.around.changed(self.key)
            elif not good and bad_run >= probe.failure and state.ready:
                state.ready = False
                self._unhealthy("Readiness", saw)
                self.around.changed(self.key)
            await asyncio.sleep(probe.period_s if ever else min(probe.period_s, 0.2))

    async def _liveness(self, probe: Probe, container: Json, running: process.Process) -> None:
        failures = 0
        await asyncio.sleep(max(probe.delay_s, probe.period_s))
        while True:
            good, saw = await self._ask(probe, container)
            failures = 0 if good else failures + 1
            if failures >= probe.failure:
                self._unhealthy("Liveness", saw)
                self.around.event(self.key, "Normal", "Killing", f"Container {container['name']} failed liveness probe")
                await running.end(self.grace_s)
                return
            await asyncio.sleep(probe.period_s)

    async def _ask(self, probe: Probe, container: Json) -> tuple[bool, str]:
        port = self.ports.get(probe.port, probe.port)
        if probe.kind == "http":
            return await http_answer(port, probe.path, probe.headers, probe.timeout_s)
        if probe.kind == "tcp":
            return await tcp_answer(port, probe.timeout_s)
        try:
            async with asyncio.timeout(probe.timeout_s):
                code, output = await self.exec(container["name"], list(probe.command))
        except TimeoutError:
            return False, f"exec: no end within {probe.timeout_s:g} s"
        except OSError as error:
            return False, f"exec: {error}"
        return code == 0, f"exec: exit code {code} {output[:300].decode('utf-8', 'replace').strip()}"

    def _unhealthy(self, kind: str, saw: str) -> None:
        self.around.event(self.key, "Warning", "Unhealthy", f"{kind} probe failed: {saw}")
