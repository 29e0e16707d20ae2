"""Liveness, readiness and startup probes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from harness.cluster.manifests.documents import Json
from harness.core.errors import ConfigError


@dataclass(frozen=True)
class Probe:
    """A probe as the manifest says it; times in seconds, the defaults are Kubernetes'."""

    kind: str  # http, tcp, exec
    path: str = "/"
    port: int = 0
    command: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0
    period_s: float = 10
    timeout_s: float = 1
    success: int = 1
    failure: int = 3

    @classmethod
    def of(cls, spec: Json | None, ports: dict[str, int]) -> Probe | None:
        """From a manifest's probe; `ports` maps names of container ports to numbers."""
        if not spec:
            return None
        times: dict[str, Any] = {
            "delay_s": spec.get("initialDelaySeconds", 0),
            "period_s": spec.get("periodSeconds", 10),
            "timeout_s": spec.get("timeoutSeconds", 1),
            "success": spec.get("successThreshold", 1),
            "failure": spec.get("failureThreshold", 3),
        }
        if "httpGet" in spec:
            get = spec["httpGet"]
            headers = tuple((h["name"], h["value"]) for h in get.get("httpHeaders") or ())
            return cls("http", get.get("path", "/"), _port(get["port"], ports), headers=headers, **times)
        if "tcpSocket" in spec:
            return cls("tcp", port=_port(spec["tcpSocket"]["port"], ports), **times)
        if "exec" in spec:
            return cls("exec", command=tuple(spec["exec"]["command"]), **times)
        raise ConfigError(f"a probe must be httpGet, tcpSocket or exec, not {', '.join(spec)}")


def _port(value: int | str, ports: dict[str, int]) -> int:
    if isinstance(value, str) and not value.isdigit():
        if value not in ports:
            raise ConfigError(f"a probe names port {value!r}", hint=f"the container has: {', '.join(ports) or 'none'}")
        return ports[value]
    return int(value)


async def http_answer(port: int, path: str, headers: tuple[tuple[str, str], ...], timeout_s: float) -> tuple[bool, str]:
    """GET on loopback as a kubelet does it: 200 to 399 is healthy. Returns that, and what was seen."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: kube-probe/1.32\r\n"
                    f"Accept: */*\r\nConnection: close\r\n{lines}\r\n".encode()
                )
                status = (await reader.readline()).decode("latin-1").split(" ")
                code = int(status[1]) if len(status) > 1 and status[1].isdigit() else 0
                rest = (await reader.read(2000)).decode("utf-8", "replace").partition("\r\n\r\n")[2]
            finally:
                writer.close()
    except TimeoutError:
        return False, f"GET {path}: no answer within {timeout_s:g} s"
    except OSError as error:
        return False, f"GET {path}: {error.strerror or error}"
    return 200 <= code < 400, f"GET {path}: {code} {rest.strip()[:300]}"


async def tcp_answer(port: int, timeout_s: float) -> tuple[bool, str]:
    """Connect on loopback: accepting is healthy."""
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
    except TimeoutError:
        return False, f"connect: no answer within {timeout_s:g} s"
    except OSError as error:
        return False, f"connect: {error.strerror or error}"
    return True, "connect: accepted"
