"""One pod: its folder, its ports, its processes from start to end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import secrets
import signal
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.cluster.leftovers import MARK, mark
from harness.cluster.manifests.documents import Json
from harness.cluster.runtime import process
from harness.cluster.runtime.images import command_of
from harness.cluster.runtime.probe import Probe, http_answer, tcp_answer
from harness.cluster.runtime.rewrite import Rewriter, expand
from harness.cluster.spec import ClusterSpec
from harness.cluster.store import Store
from harness.core.clock import Clock
from harness.core.errors import ConfigError
from harness.targets.child import dying_with_us

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST_PORT, PORT_TRIES = 12_000, 100
BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 30.0
BACKOFF_RESET_S = 60.0  # a container that ran this long starts again at the first back-off

Event = Callable[[str, str, str], None]  # type (Normal, Warning), reason, message


@dataclass
class ContainerState:
    """What is known of one container; becomes its containerStatus."""

    name: str
    process: process.Process | None = None
    started: bool = False
    ready: bool = False
    restarts: int = 0
    started_at: str = ""
    waiting: str = "ContainerCreating"
    message: str = ""
    last_exit: int | None = None
    finished_at: str = ""
    done: bool = False  # ended for good (restartPolicy)
    probe_saw: str = ""


@dataclass
class Surroundings:
    """What a pod needs from the cluster around it."""

    spec: ClusterSpec
    store: Store
    clock: Clock
    folder: Path
    services: Callable[[], Mapping[str, Iterable[int]]]
    edge: Callable[[str, str, int], int]  # (pod, service, port) -> local port
    changed: Callable[[str], None]  # the pod's status changed
    event: Callable[[str, str, str, str], None]  # pod, type, reason, message


@dataclass
class PodRuntime:
    """Runs the pod object `name`; `run` returns when the pod is gone."""

    name: str
    workload: str
    around: Surroundings
    body: Json
    ports: dict[int, int] = field(default_factory=dict)
    states: dict[str, ContainerState] = field(default_factory=dict)
    terminating: bool = False
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _grace_s: float = 30.0

    @property
    def ready(self) -> bool:
        """True while every container is ready and nobody asked the pod to end."""
        return not self.terminating and bool(self.states) and all(state.ready for state in self.states.values())

    @property
    def folder(self) -> Path:
        return self.around.folder / "pods" / self.name

    def log(self, container: str) -> Path:
        """The file that a container writes its output to, over all its restarts."""
        return self.folder / f"{container}.log"

    def terminate(self, grace_s: float | None = None) -> None:
        """Ask the pod to end: preStop, SIGTERM, and SIGKILL after `grace_s` (default: the manifest's)."""
        spec_grace = float(self.body["spec"].get("terminationGracePeriodSeconds", 30))
        self._grace_s = spec_grace if grace_s is None else grace_s
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
        mounts = self._volumes()
        for container in spec.get("initContainers") or ():
            if not await self._init(container, mounts):
                return
        keepers = [asyncio.create_task(self._keep(container, mounts)) for container in containers]
        try:
            await asyncio.gather(*keepers)
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)

    # -- what a container is given ------------------------------------------------------------------

    def _volumes(self) -> dict[str, Path]:
        """Make the pod's volumes as folders; returns them by name."""
        made: dict[str, Path] = {}
        for volume in self.body["spec"].get("volumes") or ():
            folder = self.folder / "volumes" / volume["name"]
            folder.mkdir(parents=True, exist_ok=True)
            made[volume["name"]] = folder
            for source, data in self._sources(volume):
                wanted = {item["key"]: item["path"] for item in source.get("items") or ()}
                for key, content in data.items():
                    if wanted and key not in wanted:
                        continue
                    path = folder / wanted.get(key, key)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                    os.chmod(path, 0o600 if "secretName" in source else 0o644)
        return made

    def _sources(self, volume: Json) -> list[tuple[Json, dict[str, bytes]]]:
        if "configMap" in volume:
            source = volume["configMap"]
            return [(source, self._data("configmaps", source["name"], source.get("optional", False)))]
        if "secret" in volume:
            source = volume["secret"]
            return [(source, self._data("secrets", source["secretName"], source.get("optional", False)))]
        if "projected" in volume:
            return [
                pair for part in volume["projected"].get("sources") or () for pair in self._sources(_projected(part))
            ]
        return []

    def _data(self, resource: str, name: str, optional: bool) -> dict[str, bytes]:
        kind = "ConfigMap" if resource == "configmaps" else "Secret"
        found = self.around.store.find(resource, self.body["metadata"]["namespace"], name)
        if found is None:
            if optional:
                return {}
            raise ConfigError(f"pod {self.name}: there is no {kind} {name!r}", hint="add it to the manifests")
        if kind == "Secret":
            decoded = {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
            return {**decoded, **{k: v.encode() for k, v in (found.get("stringData") or {}).items()}}
        return {key: str(value).encode() for key, value in (found.get("data") or {}).items()}

    def _rewriter(self, container: Json, volumes: Mapping[str, Path]) -> Rewriter:
        mounts = {}
        for mount in container.get("volumeMounts") or ():
            folder = volumes.get(mount["name"])
            if folder is not None:
                mounts[mount["mountPath"].rstrip("/")] = str(folder / mount.get("subPath", "")).rstrip("/")
        return Rewriter(
            self.around.services(),
            self.ports,
            mounts,
            lambda service, port: self.around.edge(self.name, service, port),
            self.around.spec.namespace,
        )

    def _env(self, container: Json, rewriter: Rewriter) -> dict[str, str]:
        env: dict[str, str] = {}
        for source in container.get("envFrom") or ():
            prefix = source.get("prefix", "")
            for key, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
                if key in source:
                    data = self._data(resource, source[key]["name"], source[key].get("optional", False))
                    env.update({prefix + name: value.decode() for name, value in data.items()})
        for entry in container.get("env") or ():
            if "value" in entry:
                env[entry["name"]] = expand(str(entry["value"]), env)
            else:
                value = self._value_from(entry.get("valueFrom") or {}, container)
                if value is not None:
                    env[entry["name"]] = value
        given = self.around.spec.env
        env.update({**given.get("*", {}), **given.get(self.workload, {})})
        rewritten = {name: rewriter.value(value) for name, value in env.items()}
        inherited = {
            key: os.environ[key] for key in ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR") if key in os.environ
        }
        return {
            **inherited,
            "PYTHONUNBUFFERED": "1",
            "HOSTNAME": self.name,
            **rewritten,
            MARK: mark(self.around.folder, os.getpid()),
            "WINDTUNNEL_POD": self.name,
        }

    def _value_from(self, source: Json, container: Json) -> str | None:
        metadata = self.body["metadata"]
        if "fieldRef" in source:
            path = source["fieldRef"]["fieldPath"]
            fields = {
                "metadata.name": self.name,
                "metadata.namespace": metadata.get("namespace", ""),
                "metadata.uid": metadata.get("uid", ""),
                "spec.nodeName": "windtunnel",
                "spec.serviceAccountName": self.body["spec"].get("serviceAccountName", "default"),
                "status.podIP": "127.0.0.1",
                "status.hostIP": "127.0.0.1",
            }
            match = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
            return (metadata.get(match[1]) or {}).get(match[2]) if match else fields.get(path)
        if "resourceFieldRef" in source:
            group, _, name = source["resourceFieldRef"]["resource"].partition(".")
            return str(((container.get("resources") or {}).get(group) or {}).get(name, ""))
        for key, resource in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
            if key in source:
                ref = source[key]
                data = self._data(resource, ref["name"], ref.get("optional", False))
                if ref["key"] in data:
                    return data[ref["key"]].decode()
                if ref.get("optional"):
                    return None
                raise ConfigError(f"pod {self.name}: {ref['name']} has no key {ref['key']!r}")
        return None

    def _argv(self, container: Json, env: Mapping[str, str], rewriter: Rewriter) -> list[str]:
        # `--port 8080` in two words: the number stands alone and is rewritten as such.
        given = [rewriter.value(expand(str(part), env)) for part in container.get("args") or ()]
        if container.get("command"):
            return [*(rewriter.value(expand(str(part), env)) for part in container["command"]), *given]
        spec = self.around.spec
        return [*command_of(container["image"], spec.images, spec.config_file, given), *given]

    # -- life ----------------------------------------------------------------------------------------

    async def _start(self, container: Json, volumes: Mapping[str, Path]) -> process.Process:
        rewriter = self._rewriter(container, volumes)
        env = self._env(container, rewriter)
        argv = self._argv(container, env, rewriter)
        # emptyDir and working files live in the pod's folder; code is imported from where the config lies.
        cwd = self.around.spec.root
        return await process.start(argv, env, cwd, self.log(container["name"]))

    async def _init(self, container: Json, volumes: Mapping[str, Path]) -> bool:
        wait = BACKOFF_FIRST_S
        while not self._stop.is_set():
            code = await (await self._start(container, volumes)).wait()
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
        state.started = state.ready = False
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
        probing = asyncio.create_task(self._probe(container, state, running))
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
                    probe = Probe.of({"httpGet": hook["httpGet"]}, self._named(container))
                    assert probe is not None
                    await http_answer(self.ports.get(probe.port, probe.port), probe.path, probe.headers, self._grace_s)
                elif "exec" in hook:
                    await self.exec(container["name"], hook["exec"]["command"])
        except TimeoutError:
            self.around.event(self.name, "Warning", "FailedPreStopHook", "preStop took longer than the grace period")
        self._grace_s = max(1.0, self._grace_s - (self.around.clock.monotonic() - began))

    async def spawn(
        self, container: str, command: Sequence[str], *, stdin: bool = False, merge: bool = True
    ) -> asyncio.subprocess.Process:
        """Start a command as the container's: its environment, its mounts. `merge` joins stderr to stdout.

        Raises OSError when it cannot be started. Give it back to `end_spawned`.
        """
        spec = next(c for c in self.body["spec"]["containers"] if c["name"] == container)
        volumes = {v["name"]: self.folder / "volumes" / v["name"] for v in self.body["spec"].get("volumes") or ()}
        rewriter = self._rewriter(spec, volumes)
        return await asyncio.create_subprocess_exec(
            *[rewriter.value(part) for part in command],
            env=self._env(spec, rewriter),
            cwd=self.around.spec.root,
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT if merge else asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=dying_with_us(),
        )

    async def end_spawned(self, running: asyncio.subprocess.Process) -> None:
        """End what `spawn` started, with what it has started itself."""
        if running.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            await running.wait()

    async def exec(self, container: str, command: list[str]) -> tuple[int, bytes]:
        """Run a command as the container's. Returns exit code and output."""
        running = await self.spawn(container, command)
        try:
            output, _ = await running.communicate()
        finally:
            await self.end_spawned(running)
        return running.returncode or 0, output

    # -- probes --------------------------------------------------------------------------------------

    def _named(self, container: Json) -> dict[str, int]:
        return {p["name"]: int(p["containerPort"]) for p in container.get("ports") or () if "name" in p}

    async def _probe(self, container: Json, state: ContainerState, running: process.Process) -> None:
        named = self._named(container)
        startup = Probe.of(container.get("startupProbe"), named)
        if startup is not None and not await self._startup(startup, container, state, running):
            return
        state.started = True
        readiness = Probe.of(container.get("readinessProbe"), named)
        liveness = Probe.of(container.get("livenessProbe"), named)
        if readiness is None:
            state.ready = True
            self.around.changed(self.name)
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
                await running.end(min(self._grace_s, 10.0))
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
                self.around.changed(self.name)
            elif not good and bad_run >= probe.failure and state.ready:
                state.ready = False
                self._unhealthy("Readiness", saw)
                self.around.changed(self.name)
            await asyncio.sleep(probe.period_s if ever else min(probe.period_s, 0.2))

    async def _liveness(self, probe: Probe, container: Json, running: process.Process) -> None:
        failures = 0
        await asyncio.sleep(max(probe.delay_s, probe.period_s))
        while True:
            good, saw = await self._ask(probe, container)
            failures = 0 if good else failures + 1
            if failures >= probe.failure:
                self._unhealthy("Liveness", saw)
                self.around.event(
                    self.name, "Normal", "Killing", f"Container {container['name']} failed liveness probe"
                )
                await running.end(float(self.body["spec"].get("terminationGracePeriodSeconds", 30)))
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
        self.around.event(self.name, "Warning", "Unhealthy", f"{kind} probe failed: {saw}")

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            pass


def _projected(part: Json) -> Json:
    if "secret" in part:
        return {"secret": {**part["secret"], "secretName": part["secret"]["name"]}}
    return part


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now.

    Below the range from which the kernel gives ports to outgoing connections, of which a cluster has hundreds: a pod
    that starts a second later, or anew, would else now and then find its port taken by one of them.
    """
    try:
        ceiling = int(EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        ceiling = 32_768
    for _ in range(PORT_TRIES):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", LOWEST_PORT + secrets.randbelow(max(1, ceiling - LOWEST_PORT))))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
