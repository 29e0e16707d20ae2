"""exec and port-forward over WebSocket: channels of bytes, each frame led by its channel's number.

Subprotocols v5.channel.k8s.io (which can also close a channel) and v4.channel.k8s.io; SPDY is not spoken.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence

from starlette.websockets import WebSocket, WebSocketDisconnect

from harness.cluster.cluster import LocalCluster
from harness.cluster.manifests.documents import Json
from harness.cluster.runtime.pod import PodRuntime

STDIN, STDOUT, STDERR, ERROR, CLOSE = 0, 1, 2, 3, 255
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
CHUNK = 1 << 16


async def stream(socket: WebSocket, cluster: LocalCluster) -> None:
    """Serve one WebSocket below a pod: `/api/v1/namespaces/NS/pods/NAME/exec` or `.../portforward`."""
    parts = [part for part in socket.url.path.split("/") if part]
    offered = socket.scope.get("subprotocols") or []
    protocol = next((name for name in PROTOCOLS if name in offered), None)
    pod = cluster.runtime.find(parts[3], parts[5]) if len(parts) == 7 and parts[4] == "pods" else None
    if pod is None or protocol is None or parts[6] not in ("exec", "portforward"):
        await socket.close()  # refused with 403: there is no such pod, or none of our subprotocols
        return
    await socket.accept(subprotocol=protocol)
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await (_exec(socket, pod) if parts[6] == "exec" else _forward(socket, pod))


async def _exec(socket: WebSocket, pod: PodRuntime) -> None:
    query = socket.query_params
    wants = {name: query.get(name) in ("true", "True", "1") for name in ("stdin", "stdout", "stderr", "tty")}
    containers = [container["name"] for container in pod.body["spec"]["containers"]]
    container = query.get("container") or containers[0]
    command = query.getlist("command")
    try:
        if container not in containers:
            raise OSError(f"container not found ({container!r})")
        process = await pod.spawn(container, command, stdin=wants["stdin"], merge=wants["tty"])
    except OSError as error:
        await _finish(socket, _failed(f"error executing command in container: {error}"))
        return
    outputs = [asyncio.create_task(_pump(socket, process.stdout, STDOUT if wants["stdout"] else None))]
    if process.stderr is not None:
        outputs.append(asyncio.create_task(_pump(socket, process.stderr, STDERR if wants["stderr"] else None)))
    reading = asyncio.create_task(_feed(socket, process.stdin))
    try:
        ended = asyncio.create_task(process.wait())
        await asyncio.wait({ended, reading}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            return  # the client went away
        await asyncio.gather(*outputs)
        await _finish(socket, _exit_status(ended.result()))
    finally:
        await pod.end_spawned(process)
        for task in (*outputs, reading):
            task.cancel()
        await asyncio.gather(*outputs, reading, return_exceptions=True)


async def _pump(socket: WebSocket, source: asyncio.StreamReader | None, channel: int | None) -> None:
    while source is not None and (data := await source.read(CHUNK)):
        if channel is not None:
            await socket.send_bytes(bytes((channel,)) + data)


async def _feed(socket: WebSocket, sink: asyncio.StreamWriter | None) -> None:
    """What the client sends, until it goes away."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes") or (message.get("text") or "").encode()
        if not data or sink is None:
            continue
        with contextlib.suppress(ConnectionError):
            if data[0] == CLOSE:
                sink.close()
            elif data[0] == STDIN:
                sink.write(data[1:])
                await sink.drain()


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


async def _finish(socket: WebSocket, status: Json) -> None:
    await socket.send_bytes(bytes((ERROR,)) + json.dumps(status).encode())
    await socket.close(1000)


async def _forward(socket: WebSocket, pod: PodRuntime) -> None:
    """Two channels for each port, data and error; each begins with the port in two bytes, little-endian."""
    ports = [int(port) for text in socket.query_params.getlist("ports") for port in text.split(",")]
    writers: dict[int, asyncio.StreamWriter] = {}
    pumps: list[asyncio.Task[None]] = []
    for index, port in enumerate(ports):
        for channel in (2 * index, 2 * index + 1):
            await socket.send_bytes(bytes((channel,)) + port.to_bytes(2, "little"))
    for index, port in enumerate(ports):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", pod.ports.get(port, port))
        except OSError as error:
            await socket.send_bytes(bytes((2 * index + 1,)) + f"error forwarding port {port}: {error}".encode())
            continue
        writers[2 * index] = writer
        pumps.append(asyncio.create_task(_pump(socket, reader, 2 * index)))
    try:
        await _distribute(socket, writers, pumps)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for writer in writers.values():
            writer.close()


async def _distribute(
    socket: WebSocket, writers: dict[int, asyncio.StreamWriter], pumps: Sequence[asyncio.Task[None]]
) -> None:
    receiving = asyncio.create_task(_deliver(socket, writers))
    try:
        waiting = {receiving, *pumps}
        while receiving in waiting and len(waiting) > (1 if pumps else 0):
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if receiving in waiting:  # every connection to the pod is closed
            await socket.close(1000)
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)


async def _deliver(socket: WebSocket, writers: dict[int, asyncio.StreamWriter]) -> None:
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        data = message.get("bytes") or (message.get("text") or "").encode()
        writer = writers.get(data[0]) if data else None
        if writer is not None:
            with contextlib.suppress(ConnectionError):
                writer.write(data[1:])
                await writer.drain()
