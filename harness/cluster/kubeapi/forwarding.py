"""Port-forward: connections to a pod's ports, over WebSocket channels or SPDY streams."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from starlette.websockets import WebSocket

from harness.cluster.kubeapi.spdy import Spdy, Stream
from harness.cluster.runtime.pod import PodRuntime

CHUNK = 1 << 16


async def forward_channels(socket: WebSocket, pod: PodRuntime) -> None:
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


async def _pump(socket: WebSocket, source: asyncio.StreamReader, channel: int) -> None:
    while data := await source.read(CHUNK):
        await socket.send_bytes(bytes((channel,)) + data)


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


async def forward_streams(spdy: Spdy, pod: PodRuntime) -> None:
    """A pair of streams, data and error, for each connection, until the client goes away."""
    errors: dict[str, Stream] = {}
    links: set[asyncio.Task[None]] = set()
    try:
        while (stream := await spdy.opened.get()) is not None:
            asked = stream.headers.get("requestid", "")
            if stream.headers.get("streamtype") == "error":
                errors[asked] = stream
            elif stream.headers.get("streamtype") == "data":
                port = int(stream.headers.get("port", "0"))
                link = asyncio.create_task(_link(stream, errors.pop(asked, None), pod, port))
                links.add(link)
                link.add_done_callback(links.discard)
    finally:
        for link in list(links):
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)


async def _link(stream: Stream, errors: Stream | None, pod: PodRuntime, port: int) -> None:
    """One connection to the pod, to its end on both sides."""
    with contextlib.suppress(OSError):  # the client is gone: nobody is left to be told
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", pod.ports.get(port, port))
        except OSError as error:
            if errors is not None:
                await errors.send(f"error forwarding port {port} to pod {pod.name}: {error}".encode())
        else:
            upward = asyncio.create_task(_up(stream, writer))
            try:
                with contextlib.suppress(ConnectionError):
                    while data := await reader.read(CHUNK):
                        await stream.send(data)
            finally:
                upward.cancel()
                await asyncio.gather(upward, return_exceptions=True)
                writer.close()
        await stream.finish()
        if errors is not None:
            await errors.finish()


async def _up(stream: Stream, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while (data := await stream.received.get()) is not None:
            writer.write(data)
            await writer.drain()
        writer.write_eof()
