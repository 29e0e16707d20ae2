"""Which long connection is whose: exec, attach and port-forward below a pod, over WebSocket or SPDY/3.1."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from starlette.websockets import WebSocket

from harness.cluster.cluster import LocalCluster
from harness.cluster.kubeapi.answers import answer, failure
from harness.cluster.kubeapi.channels import (
    ERROR,
    PROTOCOLS,
    RESIZE,
    STDERR,
    STDIN,
    STDOUT,
    SpdyChannels,
    WebSocketChannels,
)
from harness.cluster.kubeapi.exec import Options, attach, execute
from harness.cluster.kubeapi.forwarding import forward_channels, forward_streams
from harness.cluster.kubeapi.spdy import NotSpdy, Spdy
from harness.cluster.manifests.documents import Json
from harness.cluster.runtime.pod import PodRuntime

TUNNEL = "SPDY/3.1+portforward.k8s.io"  # SPDY frames in a WebSocket's messages
KINDS = ("exec", "attach", "portforward")


def place(cluster: LocalCluster, path: str) -> tuple[PodRuntime | None, str]:
    """The running pod that a path is below, and what is asked of it; empty for no such path."""
    parts = [part for part in path.split("/") if part]
    if len(parts) != 7 or parts[:3] != ["api", "v1", "namespaces"] or parts[4] != "pods" or parts[6] not in KINDS:
        return None, ""
    return cluster.runtime.find(parts[3], parts[5]), parts[6]


def refusal(
    cluster: LocalCluster, path: str, query: Mapping[str, str], command: Sequence[str]
) -> tuple[int, Json] | None:
    """Why a long connection cannot be made, as the Status of a failure; None when it can."""
    pod, kind = place(cluster, path)
    if not kind:
        return 404, failure(404, "the server could not find the requested resource")
    if pod is None:
        return 404, failure(404, f'pods "{path.split("/")[-2]}" not found')
    problem = "" if kind == "portforward" else Options.of(query, command).problem(pod, attach=kind == "attach")
    return (400, failure(400, problem)) if problem else None


async def stream(socket: WebSocket, cluster: LocalCluster) -> None:
    """Serve one WebSocket below a pod."""
    query = socket.query_params
    command = query.getlist("command")
    offered = socket.scope.get("subprotocols") or []
    pod, kind = place(cluster, socket.url.path)
    known = (*PROTOCOLS, TUNNEL) if kind == "portforward" else PROTOCOLS
    protocol = next((name for name in known if name in offered), None if offered else "")
    refused = refusal(cluster, socket.url.path, query, command)
    if refused is None and protocol is None:
        refused = 403, failure(403, f"unable to upgrade: none of {', '.join(known)} was offered", reason="Forbidden")
    if refused is not None or protocol is None or pod is None:
        code, body = refused or (500, failure(500, "unable to upgrade"))
        await socket.send_denial_response(answer(body, code))
        return
    await socket.accept(subprotocol=protocol or None)
    try:
        if protocol == TUNNEL:
            await _tunnel(socket, pod)
        elif kind == "portforward":
            await forward_channels(socket, pod)
        else:
            run = execute if kind == "exec" else attach
            await run(WebSocketChannels(socket, protocol), pod, Options.of(query, command))
    except (OSError, RuntimeError):
        pass  # the client went away


async def _tunnel(socket: WebSocket, pod: PodRuntime) -> None:
    spdy = Spdy(socket.send_bytes)
    serving = asyncio.create_task(forward_streams(spdy, pod))
    try:
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            await spdy.feed(message.get("bytes") or b"")
    except NotSpdy:
        await socket.close(1002)
    finally:
        spdy.close()
        await asyncio.gather(serving, return_exceptions=True)


class Raw(Protocol):
    """A connection that was upgraded to SPDY: what comes in, and the way out."""

    async def receive(self) -> bytes:
        """The next bytes; none when the client is gone."""

    async def send(self, data: bytes) -> None:
        """Send bytes. Raises OSError when the client is gone."""


async def stream_spdy(
    raw: Raw, cluster: LocalCluster, path: str, query: Mapping[str, str], command: Sequence[str]
) -> None:
    """Serve one connection that was upgraded to SPDY/3.1."""
    pod, kind = place(cluster, path)
    if pod is None:
        return
    spdy, options = Spdy(raw.send), Options.of(query, command)
    reading = asyncio.create_task(_read(raw, spdy))
    try:
        if kind == "portforward":
            await forward_streams(spdy, pod)
            return
        wanted = {ERROR, *(c for c, on in ((STDIN, options.stdin), (STDOUT, options.stdout)) if on)}
        if options.stderr and not options.tty:
            wanted.add(STDERR)
        if options.tty:
            wanted.add(RESIZE)
        channels = await SpdyChannels.opened(spdy, wanted)
        if channels is not None:
            reading.add_done_callback(lambda _: channels.gone())
            try:
                await (execute if kind == "exec" else attach)(channels, pod, options)
            finally:
                await channels.close()
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(raw: Raw, spdy: Spdy) -> None:
    try:
        while data := await raw.receive():
            await spdy.feed(data)
    except NotSpdy:
        pass
    finally:
        spdy.close()
