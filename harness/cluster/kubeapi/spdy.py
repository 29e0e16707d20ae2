"""SPDY/3.1, as far as exec, attach and port-forward need it: the server's side of one connection.

Frames after the SPDY/3.1 draft: SYN_STREAM with compressed headers, SYN_REPLY, data with FIN, RST_STREAM, PING,
GOAWAY; no flow control, since no client of Kubernetes has any.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from harness.cluster.kubeapi.spdy_dictionary import DICTIONARY

SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 1, 2, 3, 6, 7
FIN = 1
MOST = 1 << 24  # bytes of a frame: the length has three bytes
CHUNK = 1 << 16

Write = Callable[[bytes], Awaitable[None]]


class NotSpdy(Exception):
    """The other side does not speak SPDY/3.1."""


@dataclass
class Stream:
    """One stream. `received` gets what the client sends, and None at its end."""

    number: int
    headers: dict[str, str]
    write: Write
    received: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    finished: bool = False

    async def send(self, data: bytes) -> None:
        """Send data to the client."""
        for start in range(0, len(data), CHUNK):
            piece = data[start : start + CHUNK]
            await self.write(struct.pack(">II", self.number, len(piece)) + piece)

    async def finish(self) -> None:
        """Nothing more will come from here; safe to repeat."""
        if not self.finished:
            self.finished = True
            await self.write(struct.pack(">II", self.number, FIN << 24))


class Spdy:
    """Takes what comes in by `feed`; `opened` gets each stream that the client opens, and None when it goes away."""

    def __init__(self, write: Write) -> None:
        self.opened: asyncio.Queue[Stream | None] = asyncio.Queue()
        self._write = write
        self._streams: dict[int, Stream] = {}
        self._unread = bytearray()
        self._inflate, self._deflate = zlib.decompressobj(zdict=DICTIONARY), zlib.compressobj(zdict=DICTIONARY)

    async def feed(self, data: bytes) -> None:
        """Take what came in. Raises NotSpdy."""
        self._unread += data
        while len(self._unread) >= 8:
            first, second = struct.unpack_from(">II", self._unread)
            flags, length = second >> 24, second & 0xFFFFFF
            if len(self._unread) < 8 + length:
                return
            payload = bytes(self._unread[8 : 8 + length])
            del self._unread[: 8 + length]
            if first >> 31:
                await self._control((first >> 16) & 0x7FFF, first & 0xFFFF, flags, payload)
            else:
                self._data(first, flags, payload)

    def close(self) -> None:
        """The client is gone."""
        for stream in self._streams.values():
            stream.received.put_nowait(None)
        self._streams.clear()
        self.opened.put_nowait(None)

    def _data(self, number: int, flags: int, payload: bytes) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        if payload:
            stream.received.put_nowait(payload)
        if flags & FIN:
            stream.received.put_nowait(None)

    async def _control(self, version: int, kind: int, flags: int, payload: bytes) -> None:
        if version != 3:
            raise NotSpdy(f"SPDY version {version}")
        if kind == SYN_STREAM:
            number = struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF
            stream = Stream(number, self._headers(payload[10:]), self._write)
            self._streams[number] = stream
            block = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
            await self._frame(SYN_REPLY, struct.pack(">I", number) + block)
            if flags & FIN:
                stream.received.put_nowait(None)
            self.opened.put_nowait(stream)
        elif kind == RST_STREAM:
            gone = self._streams.pop(struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF, None)
            if gone is not None:
                gone.received.put_nowait(None)
        elif kind == PING:
            await self._frame(PING, payload)

    async def _frame(self, kind: int, payload: bytes) -> None:
        await self._write(struct.pack(">HHI", 0x8003, kind, len(payload)) + payload)

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            text = self._inflate.decompress(block)
            count, place = struct.unpack_from(">I", text)[0], 4
            words = []
            for _ in range(2 * count):
                length = struct.unpack_from(">I", text, place)[0]
                words.append(text[place + 4 : place + 4 + length].decode())
                place += 4 + length
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise NotSpdy(f"headers: {error}") from None
        return {name.lower(): value for name, value in zip(words[::2], words[1::2], strict=True)}
