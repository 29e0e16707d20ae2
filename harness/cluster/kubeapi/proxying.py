"""HTTP through the API: .../pods/NAME:PORT/proxy/PATH and .../services/NAME:PORT/proxy/PATH."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from harness.cluster.cluster import LocalCluster
from harness.cluster.kubeapi.answers import status
from harness.cluster.manifests.documents import Json

TIMEOUT_S = 60.0
_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
        "upgrade", "host", "content-length"}  # fmt: skip


def name_and_port(text: str) -> tuple[str, str]:
    """`NAME`, `NAME:PORT`, `SCHEME:NAME:PORT` as name and port, which may be empty. Raises ValueError for https."""
    parts = text.split(":")
    if len(parts) == 3:
        if parts[0] not in ("", "http"):
            raise ValueError(f"pods speak plain http here, not {parts[0]}")
        parts = parts[1:]
    return parts[0], parts[1] if len(parts) > 1 else ""


async def proxied(request: Request, cluster: LocalCluster, plural: str, body: Json, port: str, path: str) -> Response:
    """The answer of a pod, or of a service's next ready pod, to the request for `path`."""
    real = _of_pod(cluster, body, port) if plural == "pods" else _of_service(cluster, body, port)
    if real is None:
        text = f'no endpoints available for service "{body["metadata"]["name"]}"'
        return status(
            503, text if plural == "services" else f"no port {port or 'of its own'}", reason="ServiceUnavailable"
        )
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP]
    client = httpx.AsyncClient(timeout=TIMEOUT_S)
    query = f"?{request.url.query}" if request.url.query else ""
    try:
        sent = client.build_request(
            request.method, f"http://127.0.0.1:{real}/{path}{query}", headers=headers, content=await request.body()
        )
        answer = await client.send(sent, stream=True)
    except httpx.HTTPError as error:
        await client.aclose()
        text = f"error trying to reach service: {error or type(error).__name__}"
        return status(503, text, reason="ServiceUnavailable")

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in answer.aiter_raw():
            yield piece

    async def close() -> None:
        await answer.aclose()
        await client.aclose()

    reply = StreamingResponse(pieces(), answer.status_code, background=BackgroundTask(close))
    kept = [(name, value) for name, value in answer.headers.raw if name.decode().lower() not in _HOP]
    if "content-length" in answer.headers:
        kept.append((b"content-length", answer.headers["content-length"].encode()))
    reply.raw_headers = kept
    return reply


def _of_pod(cluster: LocalCluster, body: Json, port: str) -> int | None:
    pod = cluster.runtime.find(body["metadata"]["namespace"], body["metadata"]["name"])
    if pod is None:
        return None
    for container in pod.body["spec"]["containers"]:
        for row in container.get("ports") or ():
            if port in ("", str(row["containerPort"]), row.get("name")):
                return pod.ports.get(int(row["containerPort"]))
    return int(port) if port.isdigit() else None


def _of_service(cluster: LocalCluster, body: Json, port: str) -> int | None:
    ports = body["spec"].get("ports") or ()
    row = next((r for r in ports if port in ("", str(r["port"]), r.get("name"))), None)
    if row is None:
        return None
    ready, _ = cluster.network.endpoints(body)
    if not ready:
        return None
    pod = cluster.rng.choice(ready)
    return pod.ports.get(cluster.network.target_port(body, int(row["port"]), pod.body))
