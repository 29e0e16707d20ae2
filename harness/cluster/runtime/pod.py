"""One pod: its folder, its ports, its processes from start to end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.cluster.manifests.documents import Json
from harness.cluster.runtime import process
from harness.cluster.runtime.container_log import ContainerLog
from harness.cluster.runtime.given import Given
from harness.cluster.runtime.ports import free_port
from harness.cluster.runtime.probe import Probe, http_answer
from harness.cluster.runtime.probing import Probing
from harness.cluster.runtime.state import ContainerState, Surroundings, named_ports

BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 30.0
BACKOFF_RESET_S = 60.0  # a container that ran this long starts again at the first back-off


@dataclass
class PodRuntime:
    """Runs the pod object `body`, which the cluster knows as `name`; `run` returns when the pod is gone."""

    name: str
    workload: str
    around: Surroundings
    body: Json
    ports: dict[int, int] = field(default_factory=dict)
    states: dict[str, ContainerState] = field(default_factory=dict)
    logs: dict[str, ContainerLog] = field(default_factory=dict)
    guests: list[tuple[str, str, process.Process]] = field(default_factory=list)  # why, beside which container
    terminating: bool = False
    unschedulable: str = ""  # why no node takes it
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _grace_s: float = 30.0

    @property
    def ready(self) -> bool:
        """True while every container is ready and nobody asked the pod to end."""
        return not self.terminating and bool(self.states) and all(state.ready for state in self.states.values())

    @property
    def folder(self) -> Path:
        return self.around.folder / "pods" / self.name

    @property
    def manifest_grace_s(self) -> float:
        """How long the manifest lets the pod take to end."""
        return float(self.body["spec"].get("terminationGracePeriodSeconds", 30))

    @property
    def given(self) -> Given:
        """What its containers are given."""
        return Given(self.name, self.workload, self.around, self.body, self.ports)

    def log(self, container: str) -> ContainerLog:
        """What a container writes, over all its restarts."""
        if container not in self.logs:
            path = self.folder / f"{container}.log"
            self.logs[container] = ContainerLog(
                path, self.around.clock, lambda why: self.around.event(self.name, "Warning", "LogsLost", why)
            )
        return self.logs[container]

    def terminate(self, grace_s: float | None = None) -> None:
        """Ask the pod to end: preStop, SIGTERM, and SIGKILL after `grace_s` (default: the manifest's)."""
        self._grace_s = self.manifest_grace_s if grace_s is None else grace_s
        self.terminating = True
        if self._grace_s == 0:
            for state in self.states.values():
                if state.process is not None and state.process.running:
                    state.process.signal(signal.SIGKILL)
        self._stop.set()

    def wait_for(self, container: str, reason: str, message: str) -> None:
        """Show a container as waiting, without starting it."""
        self.states[container] = ContainerState(container, waiting=reason, message=message)

    async def asked_to_end(self) -> None:
        """Return when somebody asks the pod to end."""
        await self._stop.wait()

    async def run(self) -> None:
        """Start the containers, keep them running, end them when asked."""
        self.folder.mkdir(parents=True, exist_ok=True)
        spec = self.body["spec"]
        containers = spec.get("containers") or ()
        self.states = {container["name"]: ContainerState(container["name"]) for container in containers}
        for container in containers:
            for port in container.get("ports") or ():
                self.ports[int(port["containerPort"])] = free_port()
        mounts = self.given.volumes()
        for container in spec.get("initContainers") or ():
            if not await self._init(container, mounts):
                return
        keepers = [asyncio.create_task(self._keep(container, mounts)) for container in containers]
        try:
            await asyncio.gather(*keepers)
        finally:
            self.dismiss()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)

    # -- life ----------------------------------------------------------------------------------------

    async def _start(self, container: Json, volumes: Mapping[str, Path]) -> process.Process:
        given = self.given
        rewriter = given.rewriter(container, volumes)
        env = given.environment(container, rewriter)
        argv = given.argv(container, env, rewriter)
        # emptyDir and working files live in the pod's folder; code is imported from where the config lies.
        cwd = self.around.spec.root
        log = self.log(container["name"])
        log.begin()
        stdin, tty = bool(container.get("stdin")), bool(container.get("tty"))
        return await process.start(argv, env, cwd, log.write, stdin=stdin, tty=tty)

    async def _init(self, container: Json, volumes: Mapping[str, Path]) -> bool:
        wait = BACKOFF_FIRST_S
        while not self._stop.is_set():
            running = await self._start(container, volumes)
            try:
                code = await running.wait()
            finally:
                running.signal(signal.SIGKILL)
                await running.close()
            if code == 0:
                return True
            self.around.event(self.name, "Warning", "BackOff", f"init container {container['name']} exited with {code}")
            await self._pause(wait)
            wait = min(wait * 2, BACKOFF_MOST_S)
        return False

    async def _keep(self, container: Json, volumes: Mapping[str, Path]) -> None:
        state = self.states[container["name"]]
        policy = self.body["spec"].get("restartPolicy", "Always")
        wait = BACKOFF_FIRST_S
        while not self._stop.is_set():
            began = self.around.clock.monotonic()
            code = await self._once(container, state, volumes)
            if self._stop.is_set():
                break
            state.last_exit, state.finished_at = code, self.around.store.now()
            state.last_reason = "OOMKilled" if state.out_of_memory else "Completed" if code == 0 else "Error"
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                state.done = True
                self.around.changed(self.name)
                await self._stop.wait()
                break
            if self.around.clock.monotonic() - began > BACKOFF_RESET_S:
                wait = BACKOFF_FIRST_S
            state.restarts += 1
            state.waiting = "CrashLoopBackOff"
            state.message = f"back-off {wait:g}s restarting failed container, exit code {code}"
            self.around.event(
                self.name, "Warning", "BackOff", f"{container['name']} exited with {code}; {state.message}"
            )
            self.around.changed(self.name)
            await self._pause(wait)
            wait = min(wait * 2, BACKOFF_MOST_S)

    async def _once(self, container: Json, state: ContainerState, volumes: Mapping[str, Path]) -> int:
        """Run the container until it ends, is killed by its liveness probe, or the pod is asked to end."""
        state.started = state.ready = state.out_of_memory = False
        try:
            running = await self._start(container, volumes)
        except OSError as error:
            state.waiting, state.message = "CreateContainerError", f"{error}"
            self.around.event(self.name, "Warning", "Failed", f"cannot start {container['name']}: {error}")
            self.around.changed(self.name)
            return 127
        state.process, state.waiting, state.started_at = running, "", self.around.store.now()
        self.around.event(self.name, "Normal", "Started", f"Started container {container['name']}")
        self.around.changed(self.name)
        probing = asyncio.create_task(
            Probing(self.name, self.around, self.ports, self.exec, self.manifest_grace_s).watch(
                container, state, running
            )
        )
        ended = asyncio.create_task(running.wait())
        asked = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await self._pre_stop(container)
                await running.end(self._grace_s)
            code = await ended
            running.signal(signal.SIGKILL)  # what it started and left behind
            return code
        finally:
            for task in (probing, asked):
                task.cancel()
            await asyncio.gather(probing, asked, return_exceptions=True)
            if running.running:
                running.signal(signal.SIGKILL)
                await running.wait()
            await running.close()
            state.ready = False
            self.around.changed(self.name)

    async def _pre_stop(self, container: Json) -> None:
        hook = ((container.get("lifecycle") or {}).get("preStop")) or {}
        if not hook or self._grace_s == 0:
            return
        began = self.around.clock.monotonic()
        try:
            async with asyncio.timeout(self._grace_s):
                if "sleep" in hook:
                    await asyncio.sleep(float(hook["sleep"]["seconds"]))
                elif "httpGet" in hook:
                    probe = Probe.of({"httpGet": hook["httpGet"]}, named_ports(container))
                    assert probe is not None
                    await http_answer(self.ports.get(probe.port, probe.port), probe.path, probe.headers, self._grace_s)
                elif "exec" in hook:
                    await self.exec(container["name"], hook["exec"]["command"])
        except TimeoutError:
            self.around.event(self.name, "Warning", "FailedPreStopHook", "preStop took longer than the grace period")
        self._grace_s = max(1.0, self._grace_s - (self.around.clock.monotonic() - began))

    async def spawn(
        self,
        container: str,
        command: Sequence[str],
        out: Callable[[bytes], None],
        err: Callable[[bytes], None] | None = None,
        *,
        stdin: bool = False,
        tty: bool = False,
    ) -> process.Process:
        """Start a command as the container's: its environment, its mounts. Without `err` both outputs go to `out`.

        Raises OSError when it cannot be started. Give it back to `end_spawned`.
        """
        spec = next(c for c in self.body["spec"]["containers"] if c["name"] == container)
        volumes = {v["name"]: self.folder / "volumes" / v["name"] for v in self.body["spec"].get("volumes") or ()}
        given = self.given
        rewriter = given.rewriter(spec, volumes)
        env = given.environment(spec, rewriter)
        if tty:
            env.setdefault("TERM", "xterm")
        argv = [rewriter.value(part) for part in command]
        return await process.start(argv, env, self.around.spec.root, out, err, stdin=stdin, tty=tty)

    async def end_spawned(self, running: process.Process) -> None:
        """End what `spawn` started, with what it has started itself."""
        running.signal(signal.SIGKILL)
        await running.wait()
        await running.close()

    async def invite(self, why: str, container: str, command: Sequence[str]) -> None:
        """Run a command beside a container's own, and at its expense, until `why` is dismissed or the pod ends."""
        running = await self.spawn(container, command, lambda data: None)
        self.guests.append((why, container, running))
        if self.terminating:
            self.dismiss(why)

    def dismiss(self, why: str | None = None) -> None:
        """End the guests invited for `why`, or all."""
        for row in [row for row in self.guests if why in (None, row[0])]:
            self.guests.remove(row)
            row[2].signal(signal.SIGKILL)

    async def exec(self, container: str, command: list[str]) -> tuple[int, bytes]:
        """Run a command as the container's. Returns exit code and output."""
        output: list[bytes] = []
        running = await self.spawn(container, command, output.append)
        try:
            code = await running.wait()
        finally:
            await self.end_spawned(running)
        return code, b"".join(output)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            pass
