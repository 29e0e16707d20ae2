"""exec and attach: a command in a container, or the container itself, on a client's channels."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.cluster.kubeapi.channels import CLOSE, RESIZE, STDERR, STDIN, STDOUT, Channels
from harness.cluster.kubeapi.request import flag
from harness.cluster.manifests.documents import Json
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.runtime.process import Process

HIGH_WATER = 1 << 20  # bytes that a slow client leaves unread before the command is read no further


@dataclass(frozen=True)
class Options:
    """What a PodExecOptions or PodAttachOptions says."""

    container: str
    command: tuple[str, ...]
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    @classmethod
    def of(cls, query: Mapping[str, str], command: Sequence[str]) -> Options:
        wants = {name: flag(query.get(name)) for name in ("stdin", "stdout", "stderr", "tty")}
        return cls(query.get("container", ""), tuple(command), **wants)

    def problem(self, pod: PodRuntime, *, attach: bool) -> str:
        """Why it cannot be done, in words; empty when it can."""
        names = [container["name"] for container in pod.body["spec"]["containers"]]
        name = self.container or names[0]
        if name not in names:
            return f"container {name} is not valid for pod {pod.body['metadata']['name']}"
        state = pod.states.get(name)
        if state is None or state.process is None or not state.process.running:
            return f"container {name} is not running"
        if not attach and not self.command:
            return "you must specify at least one command for the container"
        return ""

    def name(self, pod: PodRuntime) -> str:
        return self.container or str(pod.body["spec"]["containers"][0]["name"])


async def execute(channels: Channels, pod: PodRuntime, options: Options) -> None:
    """Run the command, to its end or until the client goes away."""
    pump = _Pump(channels)
    try:
        process = await pod.spawn(
            options.name(pod),
            list(options.command),
            pump.sink(STDOUT if options.stdout else None),
            None if options.tty else pump.sink(STDERR if options.stderr else None),
            stdin=options.stdin,
            tty=options.tty,
        )
    except OSError as error:
        await channels.finish(_failed(f"error executing command in container: {error}"))
        return
    pump.process = process
    feeding = asyncio.create_task(_feed(channels, process, ends=True))
    sending = asyncio.create_task(pump.run())
    ended = asyncio.create_task(process.wait())
    try:
        await asyncio.wait({ended, feeding, sending}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            return  # the client went away
        await process.close()
        pump.end()
        await asyncio.wait({sending, feeding}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and sending.exception() is None:
            await channels.finish(_exit_status(ended.result()))
    except OSError:
        pass  # it went away just now
    finally:
        await pod.end_spawned(process)
        for task in (feeding, sending, ended):
            task.cancel()
        await asyncio.gather(feeding, sending, ended, return_exceptions=True)


async def attach(channels: Channels, pod: PodRuntime, options: Options) -> None:
    """Show what the container writes from now on, and feed it, until it ends or the client goes away."""
    name = options.name(pod)
    process, log, pump = pod.states[name].process, pod.log(name), _Pump(channels)
    spec = next(c for c in pod.body["spec"]["containers"] if c["name"] == name)
    if process is None:
        return
    queue = log.listen()

    async def show() -> None:
        while True:
            await channels.send(STDOUT, await queue.get())

    showing = asyncio.create_task(show())
    feeding = asyncio.create_task(_feed(channels, process if options.stdin else None, ends=bool(spec.get("stdinOnce"))))
    ended = asyncio.create_task(process.wait())
    try:
        await asyncio.wait({ended, feeding, showing}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            await process.close()
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
            while not queue.empty():
                await channels.send(STDOUT, queue.get_nowait())
            await channels.finish(_exit_status(ended.result()))
    except OSError:
        pass  # it went away just now
    finally:
        log.ignore(queue)
        pump.end()
        for task in (feeding, showing, ended):
            task.cancel()
        await asyncio.gather(feeding, showing, ended, return_exceptions=True)


class _Pump:
    """From a process's output to a client, which may be slower: then the process is read no further."""

    def __init__(self, channels: Channels) -> None:
        self.process: Process | None = None
        self._channels = channels
        self._queue: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        self._waiting = 0

    def sink(self, channel: int | None) -> Sink:
        return Sink(self, channel)

    def put(self, channel: int, data: bytes) -> None:
        self._waiting += len(data)
        self._queue.put_nowait((channel, data))
        if self._waiting > HIGH_WATER and self.process is not None:
            for outlet in self.process.outlets:
                outlet.pause()

    def end(self) -> None:
        self._queue.put_nowait(None)

    async def run(self) -> None:
        while (item := await self._queue.get()) is not None:
            await self._channels.send(*item)
            self._waiting -= len(item[1])
            if self._waiting <= HIGH_WATER and self.process is not None:
                for outlet in self.process.outlets:
                    outlet.resume()


@dataclass(frozen=True)
class Sink:
    """Takes what a process writes, for one channel; for none it is dropped."""

    pump: _Pump
    channel: int | None

    def __call__(self, data: bytes) -> None:
        if self.channel is not None:
            self.pump.put(self.channel, data)


async def _feed(channels: Channels, process: Process | None, *, ends: bool) -> None:
    """What the client sends, until it goes away; `ends` passes the end of its input on."""
    while (item := await channels.receive()) is not None:
        channel, data = item
        if process is None:
            continue
        if channel == STDIN:
            await process.feed(data)
        elif channel == CLOSE and ends:
            process.close_stdin()
        elif channel == RESIZE:
            try:
                size = json.loads(data)
                process.resize(int(size["Height"]), int(size["Width"]))
            except (ValueError, KeyError, TypeError):
                continue  # a size that is none


def _exit_status(code: int) -> Json:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    number = code if code > 0 else 128 - code
    return {
        **_failed(f"command terminated with non-zero exit code: exit status {number}"),
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(number)}]},
    }


def _failed(message: str) -> Json:
    return {"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500}
