"""pods/log: of this start or the one before, from a moment on, the last lines, followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response, StreamingResponse

from harness.cluster.cluster import LocalCluster
from harness.cluster.kubeapi.answers import status
from harness.cluster.kubeapi.request import Ask, BadRequest
from harness.cluster.manifests.documents import Json
from harness.cluster.runtime.container_log import ContainerLog
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.system import MIRROR

POLL_S = 0.5  # how often it is looked whether the container that is followed has ended


def log_of(cluster: LocalCluster, ask: Ask, body: Json) -> Response:
    """What a container of a pod wrote."""
    every = [c["name"] for key in ("containers", "initContainers") for c in body["spec"].get(key) or ()]
    names = [container["name"] for container in body["spec"]["containers"]]
    name = ask.query.get("container") or (names[0] if len(names) == 1 else "")
    if not name:
        text = f"a container name must be specified for pod {ask.name}, choose one of: [{' '.join(names)}]"
        return status(400, text)
    if name not in every:
        return status(400, f"container {name} is not valid for pod {ask.name}")
    if MIRROR in (body["metadata"].get("annotations") or {}):
        own = cluster.folder / "cluster.log"
        return Response(own.read_bytes() if own.exists() else b"", media_type="text/plain")
    pod = cluster.runtime.find(ask.namespace, ask.name)
    log = pod.log(name) if pod else None
    previous = ask.flag("previous")
    state = pod.states.get(name) if pod else None
    # Between two starts the last one is the previous one already, as in a kubelet.
    between = state is not None and state.restarts > 0 and not state.done and not state.alive
    part = log.of(back=1 if previous and not between else 0) if log else None
    if pod is None or log is None or part is None:
        if previous:
            return status(400, f'previous terminated container "{name}" in pod "{ask.name}" not found')
        waiting = (state.waiting if state else "") or "ContainerCreating"
        return status(400, f'container "{name}" in pod "{ask.name}" is waiting to start: {waiting}')
    wanted = _Wanted.of(ask, log, *part, now=cluster.clock.wall())
    if ask.flag("follow") and not previous:
        return StreamingResponse(_follow(pod, name, log, wanted), media_type="text/plain")
    data, _ = wanted.written(log)
    return Response(data if wanted.limit is None else data[: wanted.limit], media_type="text/plain")


@dataclass(frozen=True)
class _Wanted:
    """Which part of a log is asked for, and in what form."""

    start: int
    end: int | None
    stamps: bool
    limit: int | None

    @classmethod
    def of(cls, ask: Ask, log: ContainerLog, start: int, end: int | None, *, now: datetime) -> _Wanted:
        query, since = ask.query, None
        try:
            if "sinceSeconds" in query:
                since = now - timedelta(seconds=int(query["sinceSeconds"]))
            elif "sinceTime" in query:
                since = datetime.fromisoformat(query["sinceTime"].replace("Z", "+00:00"))
            tail = int(query["tailLines"]) if "tailLines" in query else None
            limit = int(query["limitBytes"]) if "limitBytes" in query else None
        except ValueError as error:
            raise BadRequest(f"PodLogOptions is invalid: {error}") from None
        if (tail is not None and tail < 0) or (limit is not None and limit < 1):
            raise BadRequest("PodLogOptions is invalid: tailLines and limitBytes must not be negative")
        if since is not None:
            start = max(start, log.offset_at(since))
        if tail is not None:
            data = log.read(start, end)
            lines = data.splitlines(keepends=True)
            start += sum(map(len, lines[: max(0, len(lines) - tail)]))
        return cls(start, end, ask.flag("timestamps"), limit)

    def written(self, log: ContainerLog) -> tuple[bytes, int]:
        """The part as it is wanted, and where it ends."""
        data = log.read(self.start, self.end)
        return (_stamped(log, data, self.start) if self.stamps else data), self.start + len(data)


async def _follow(pod: PodRuntime, name: str, log: ContainerLog, wanted: _Wanted) -> AsyncIterator[bytes]:
    """The part, and what comes, until the container has ended for good or is started again; as a kubelet does."""
    queue, begun, left = log.listen(), len(log.starts), wanted.limit
    try:
        data, position = wanted.written(log)
        while True:
            if left is not None:
                data = data[:left]
                left -= len(data)
            if data:
                yield data
            if left == 0:
                return
            data = b""
            try:
                await asyncio.wait_for(queue.get(), POLL_S)
                while not queue.empty():
                    queue.get_nowait()
            except TimeoutError:
                if not _goes_on(pod, name) or len(log.starts) != begun:
                    return
            new = log.read(position)
            if new and wanted.stamps:  # whole lines only: a stamp stands at the beginning of one
                new = new[: new.rfind(b"\n") + 1]
            data = _stamped(log, new, position) if wanted.stamps else new
            position += len(new)
    finally:
        log.ignore(queue)


def _goes_on(pod: PodRuntime, name: str) -> bool:
    state = pod.states.get(name)
    return state is None or state.alive


def _stamped(log: ContainerLog, data: bytes, start: int) -> bytes:
    lines = []
    for line in data.splitlines(keepends=True):
        when = log.when(start).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        lines.append(when.encode() + b" " + line)
        start += len(line)
    return b"".join(lines)
