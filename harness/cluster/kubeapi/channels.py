"""The channels of exec and attach, whatever carries them."""

from __future__ import annotations

import asyncio
import json
from typing import Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from harness.cluster.kubeapi.spdy import Spdy, Stream
from harness.cluster.manifests.documents import Json

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "channel.k8s.io",
)  # the last, also without a name, tells no status
STREAMS_S = 30.0  # how long a client may take to open its streams, as in a kubelet
_BY_NAME = {"stdin": STDIN, "stdout": STDOUT, "stderr": STDERR, "error": ERROR, "resize": RESIZE}


class Channels(Protocol):
    """Bytes by channel. Sending raises OSError when the client is gone."""

    async def send(self, channel: int, data: bytes) -> None:
        """Send bytes on a channel."""

    async def receive(self) -> tuple[int, bytes] | None:
        """The next bytes and their channel; (CLOSE, b"") when stdin has ended, None when the client is gone."""

    async def finish(self, status: Json) -> None:
        """Say how it ended, and close."""


class WebSocketChannels:
    """v4 and v5.channel.k8s.io: each message is led by its channel's number; v5 can also close a channel."""

    def __init__(self, socket: WebSocket, protocol: str) -> None:
        self._socket, self._old = socket, not protocol.startswith("v")

    async def send(self, channel: int, data: bytes) -> None:
        try:
            await self._socket.send_bytes(bytes((channel,)) + data)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise ConnectionResetError(str(error)) from None

    async def receive(self) -> tuple[int, bytes] | None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            data = message.get("bytes") or (message.get("text") or "").encode()
            if data[:1] == b"\xff":
                if data[1:2] == b"\x00":
                    return CLOSE, b""
            elif data:
                return data[0], data[1:]

    async def finish(self, status: Json) -> None:
        told = status.get("message", "") if self._old else json.dumps(status)
        if told:
            await self.send(ERROR, told.encode())
        await self._socket.close(1000)


class SpdyChannels:
    """v4.channel.k8s.io over SPDY: a stream each for error, stdin, stdout, stderr and resize."""

    def __init__(self, streams: dict[int, Stream]) -> None:
        self._streams = streams
        self._inbox: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        self._pumps = [
            asyncio.create_task(self._pump(channel, stream))
            for channel, stream in streams.items()
            if channel in (STDIN, RESIZE, ERROR)
        ]

    @classmethod
    async def opened(cls, spdy: Spdy, wanted: set[int]) -> SpdyChannels | None:
        """Once the client has opened the streams that it needs; None when it goes away or takes too long."""
        streams: dict[int, Stream] = {}
        try:
            async with asyncio.timeout(STREAMS_S):
                while set(streams) != wanted:
                    stream = await spdy.opened.get()
                    if stream is None:
                        return None
                    channel = _BY_NAME.get(stream.headers.get("streamtype", ""))
                    if channel is not None:
                        streams[channel] = stream
        except TimeoutError:
            return None
        return cls(streams)

    async def _pump(self, channel: int, stream: Stream) -> None:
        while (data := await stream.received.get()) is not None:
            self._inbox.put_nowait((channel, data))
        if channel == STDIN:
            self._inbox.put_nowait((CLOSE, b""))

    def gone(self) -> None:
        """The client went away."""
        self._inbox.put_nowait(None)

    async def send(self, channel: int, data: bytes) -> None:
        if channel in self._streams:
            await self._streams[channel].send(data)

    async def receive(self) -> tuple[int, bytes] | None:
        return await self._inbox.get()

    async def finish(self, status: Json) -> None:
        await self.send(ERROR, json.dumps(status).encode())
        for stream in self._streams.values():
            await stream.finish()
        await self.close()

    async def close(self) -> None:
        """Listen no more."""
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
