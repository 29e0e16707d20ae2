"""Addresses and ports of a manifest, made true on loopback.

A manifest says `http://tool-registry:8080` and `--port 8080`. Here every pod listens on a free port of its
own, and reaches each service through an edge of its own; so those values are rewritten before a process
starts, and nothing in the service has to know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

_EDGE = Callable[[str, int], int]  # (service, port) -> local port of this pod's edge to it


class Rewriter:
    """Rewrites the values of one pod.

    `services` maps each service's name to its ports; `ports` maps the pod's own container ports to the real
    ones; `mounts` maps mount paths to real folders. `edge` opens the pod's edge to a service and gives its port.
    """

    def __init__(
        self,
        services: Mapping[str, Iterable[int]],
        ports: Mapping[int, int],
        mounts: Mapping[str, str],
        edge: _EDGE,
        namespace: str,
    ) -> None:
        self._ports, self._edge = ports, edge
        self._services = {name: tuple(numbers) for name, numbers in services.items()}
        self._mounts = dict(sorted(mounts.items(), key=lambda item: -len(item[0])))
        names = "|".join(sorted(map(re.escape, self._services), key=len, reverse=True))
        space = re.escape(namespace)
        suffix = rf"(?:\.{space}(?:\.svc(?:\.cluster\.local)?)?)?"
        self._address = re.compile(rf"(?<![\w.-])({names}){suffix}:(\d+)(?!\d)") if names else None
        self._bare = re.compile(rf"(?P<scheme>https?)://({names}){suffix}(?=[/?#]|$)") if names else None

    def value(self, text: str) -> str:
        """One env value, argument or file: services, then the pod's own ports, then mount paths."""
        if self._address is not None and self._bare is not None:
            text = self._address.sub(self._named, text)
            text = self._bare.sub(self._implied, text)
        whole = re.fullmatch(r"(--?[\w.-]+[= ])?(\d+)", text)
        if whole and int(whole[2]) in self._ports:
            return f"{whole[1] or ''}{self._ports[int(whole[2])]}"
        text = re.sub(r"^(0\.0\.0\.0|\[::\]|localhost|127\.0\.0\.1)?:(\d+)$", self._own, text)
        text = re.sub(r"(?<=://)(0\.0\.0\.0|\[::\])?:(\d+)(?!\d)", self._own, text)  # listeners: PLAINTEXT://:9092
        for path, folder in self._mounts.items():
            text = re.sub(rf"(?<![\w.-]){re.escape(path)}(?=/|$|[\s:,;])", folder, text)
        return text

    def _named(self, match: re.Match[str]) -> str:
        service, port = match[1], int(match[2])
        if port not in self._services[service]:
            return match[0]
        return f"127.0.0.1:{self._edge(service, port)}"

    def _implied(self, match: re.Match[str]) -> str:
        service, port = match[2], 443 if match["scheme"] == "https" else 80
        if port not in self._services[service]:
            return match[0]
        return f"{match['scheme']}://127.0.0.1:{self._edge(service, port)}"

    def _own(self, match: re.Match[str]) -> str:
        port = int(match[2])
        return f"{match[1] or ''}:{self._ports[port]}" if port in self._ports else match[0]


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` replaced by the variable, as Kubernetes does in command, args and env; `$$(NAME)` stays."""
    return re.sub(
        r"(\$?)\$\(([A-Za-z_][\w.-]*)\)",
        lambda m: f"$({m[2]})" if m[1] else env.get(m[2], m[0]),
        text,
    )
