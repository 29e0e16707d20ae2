"""What an edge does to the bytes that pass: measured on real connections, and by its own counters."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.cluster.edges.edge import Backend, Edge
from harness.cluster.edges.faults import EdgeFault
from harness.cluster.edges.pipe import HIGH_WATER
from harness.cluster.edges.rewriting import Rewriting, closing
from harness.core.clock import RealClock

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Old: 1\r\nConnection: keep-alive\r\n\r\nhello"


@asynccontextmanager
async def an_edge() -> AsyncIterator[Edge]:
    """An edge to a server that echoes, answers HTTP requests, and sends a megabyte to whoever says `pour`."""
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            while data := await reader.read(65536):
                if data.startswith(b"GET"):
                    writer.write(ANSWER)
                    if b"connection: close" in data:
                        break
                elif data == b"pour":
                    writer.write(bytes(1_000_000))
                else:
                    writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    backend = Backend("pod", "127.0.0.1", server.sockets[0].getsockname()[1])
    edge = Edge(
        "a", "b", 80, resolve=lambda: backend, blocked=lambda pod: False, clock=RealClock(), rng=random.Random(7)
    )
    await edge.open()
    try:
        yield edge
    finally:
        edge.close()
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.sleep(0.05)


async def connect(edge: Edge) -> Streams:
    return await asyncio.open_connection("127.0.0.1", edge.listen_port)


async def echo(streams: Streams, data: bytes) -> float:
    """Seconds until all of it is back."""
    began = time.monotonic()
    streams[1].write(data)
    assert await asyncio.wait_for(streams[0].readexactly(len(data)), 20) == data
    return time.monotonic() - began


async def test_bandwidth_is_a_rate_and_memory_stays_small() -> None:
    async with an_edge() as edge:
        edge.set_fault("slow", EdgeFault(kind="bandwidth", direction="down", bytes_per_s=2_000_000))
        reader, writer = await connect(edge)
        began = time.monotonic()
        writer.write(b"pour")
        arrived = []
        for _ in range(10):
            await asyncio.wait_for(reader.readexactly(100_000), 20)
            arrived.append(time.monotonic() - began)
        assert arrived[-1] >= 0.45
        assert arrived[0] < arrived[-1] / 2  # in pieces, not all at the end
        writer.close()


async def test_what_is_on_a_narrow_way_is_bounded() -> None:
    async with an_edge() as edge:
        edge.set_fault("slow", EdgeFault(kind="bandwidth", direction="up", bytes_per_s=1000))
        _, writer = await connect(edge)
        await echo_nothing(writer, 16 * HIGH_WATER)
        assert edge.witness.bytes_up < 4 * HIGH_WATER
        writer.transport.abort()


async def echo_nothing(writer: asyncio.StreamWriter, count: int) -> None:
    """Write as much as is taken within a second."""
    writer.write(bytes(count))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(writer.drain(), 1)


async def test_a_drip_gives_a_piece_at_a_time() -> None:
    async with an_edge() as edge:
        edge.set_fault("drip", EdgeFault(kind="drip", direction="down", piece_bytes=3, every_ms=20))
        reader, writer = await connect(edge)
        writer.write(b"x" * 30)
        sizes = [len(await asyncio.wait_for(reader.read(100), 5)) for _ in range(4)]
        assert max(sizes) < 30
        await asyncio.wait_for(reader.readexactly(30 - sum(sizes)), 5)
        assert edge.witness.delay_max_ms >= 200
        writer.close()


async def test_loss_is_a_stall_and_nothing_is_lost() -> None:
    async with an_edge() as edge:
        edge.set_fault("loss", EdgeFault(kind="loss", direction="up", loss_percent=50))
        streams = await connect(edge)
        took = [await echo(streams, b"%d" % number) for number in range(8)]
        assert edge.witness.stalled == sum(t >= 0.2 for t in took) > 0
        assert min(took) < 0.2
        streams[1].close()


async def test_delay_has_a_direction_and_jitter() -> None:
    async with an_edge() as edge:
        edge.set_fault("up", EdgeFault(kind="delay", direction="up", delay_ms=50, jitter_ms=20))
        edge.set_fault("down", EdgeFault(kind="delay", direction="down", delay_ms=100))
        streams = await connect(edge)
        took = [await echo(streams, b"x") for _ in range(4)]
        assert min(took) >= 0.13
        assert edge.witness.delayed == 8
        assert len({round(value, 3) for value in took}) > 1
        streams[1].close()


async def test_a_half_open_connection_hears_nothing_until_it_is_healed() -> None:
    async with an_edge() as edge:
        streams = await connect(edge)
        await echo(streams, b"x")
        edge.set_fault("gone", EdgeFault(kind="half_open"))
        streams[1].write(b"anybody?")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(streams[0].read(1), 0.3)
        late = await connect(edge)
        late[1].write(b"hello?")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(late[0].read(1), 0.3)
        assert edge.witness.half_open == 1 and edge.witness.held >= 2
        edge.clear_fault("gone")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(streams[0].read(1), 5)
        fresh = await connect(edge)
        await echo(fresh, b"x")
        for _, writer in (streams, late, fresh):
            writer.close()


async def test_a_cut_comes_after_so_many_bytes_of_one_direction() -> None:
    async with an_edge() as edge:
        edge.set_fault("cut", EdgeFault(kind="cut", direction="down", after_bytes=10))
        reader, writer = await connect(edge)
        writer.write(b"0123456789abcdef")
        assert await asyncio.wait_for(reader.readexactly(10), 5) == b"0123456789"
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), 5)
        assert edge.witness.reset == 1


async def test_an_answer_is_changed_on_its_way() -> None:
    async with an_edge() as edge:
        fault = EdgeFault(kind="rewrite", headers={"X-Old": "2", "retry-after": "7"}, body="<html>")
        edge.set_fault("changed", fault)
        reader, writer = await connect(edge)
        writer.write(b"GET / HTTP/1.1\r\nHost: b\r\nConnection: keep-alive\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)  # to the end: it is closed behind the answer
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\n<html>")
        assert b"X-Old: 2" in answer and b"X-Old: 1" not in answer and b"content-length: 6" in answer
        assert edge.witness.rewritten == 1
        writer.close()


def test_only_http_is_rewritten() -> None:
    assert closing(b"*1\r\n$4\r\nPING\r\n\r\n") == b"*1\r\n$4\r\nPING\r\n\r\n"
    other = Rewriting(EdgeFault(kind="rewrite", headers={"a": "b"}))
    assert other.answer(b"+PONG\r\n\r\n") == b"+PONG\r\n\r\n"
    assert not other.done
    parts = Rewriting(EdgeFault(kind="rewrite", headers={"a": "b"}))
    assert parts.answer(ANSWER[:20]) == b""
    assert parts.answer(ANSWER[20:]).endswith(b"a: b\r\nconnection: close\r\n\r\nhello")
    assert parts.answer(b" more") == b" more"
