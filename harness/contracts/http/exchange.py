"""One HTTP request with its answer, kept so that it can be shown and sent again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import JsonValue

from harness.targets import http_errors

BODY_SHOWN = 2_000  # characters of a body that evidence keeps
HEADERS_SHOWN = ("content-type", "location", "allow", "retry-after", "www-authenticate")


@dataclass(frozen=True)
class Exchange:
    """What was sent and what came back; `code` is None when nothing did, and `error` then says why.

    `secret` are the headers that authorise the harness: evidence shows them as `$NAME`, never their value.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes
    code: int | None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer: bytes = b""
    error: str = ""
    reached: bool = True  # False when the request certainly never arrived
    secret: frozenset[str] = frozenset()

    @property
    def document(self) -> JsonValue:
        """The answer as JSON, or None when it is none."""
        try:
            value: JsonValue = json.loads(self.answer)
        except ValueError:
            return None
        return value

    @property
    def outcome(self) -> str:
        """The answer in a word or two, for a sentence."""
        return f"HTTP {self.code}" if self.code is not None else self.error

    def curl(self) -> str:
        """A command that sends the same request; secrets stand as `$NAME` for the shell to fill in."""
        parts = ["curl", "-i", "-X", self.method]
        for name, value in self.headers.items():
            shown = f'"{name}: ${_variable(name)}"' if name in self.secret else shlex.quote(f"{name}: {value}")
            parts += ["-H", shown]
        if self.content:
            text = _text(self.content)
            parts += ["--data-raw", shlex.quote(text)]
        return " ".join([*parts, shlex.quote(self.url)])

    def payload(self) -> dict[str, JsonValue]:
        """The exchange as evidence."""
        sent = {name: f"${_variable(name)}" if name in self.secret else value for name, value in self.headers.items()}
        return {
            "request": {
                "method": self.method,
                "url": self.url,
                "headers": dict(sent),
                "body": _text(self.content),
            },
            "response": None
            if self.code is None
            else {
                "status": self.code,
                "headers": {n: v for n, v in self.answer_headers.items() if n.lower() in HEADERS_SHOWN},
                "body": _text(self.answer),
            },
            "error": self.error,
        }


def _text(content: bytes) -> str:
    text = content.decode("utf-8", errors="backslashreplace")
    return text if len(text) <= BODY_SHOWN else f"{text[:BODY_SHOWN]}... ({len(content)} bytes)"


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


class Caller:
    """Sends requests to one service with the target's headers on each.

    Never raises for what the service or the network does: that is in the exchange.
    """

    def __init__(self, http: httpx.AsyncClient, url: str, headers: Mapping[str, str], mark: Mapping[str, str]):
        self._http = http
        self._url = url
        self._secret = dict(headers)
        self._mark = dict(mark)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 15.0,
    ) -> Exchange:
        """Send `body` as JSON, or the raw `content`."""
        sent = {**self._secret, **self._mark, **(headers or {})}
        raw = b"" if content is None else content
        if body is not None:
            raw = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        url = path if path.startswith(("http://", "https://")) else self._url + path
        common: dict[str, Any] = {
            "method": method,
            "url": url,
            "headers": sent,
            "content": raw,
            "secret": frozenset(self._secret),
        }
        try:
            response = await self._http.request(
                method, url, content=raw or None, headers=sent, timeout=timeout_s, follow_redirects=False
            )
        except httpx.HTTPError as error:
            return Exchange(code=None, error=http_errors.name(error), reached=not http_errors.definite(error), **common)
        return Exchange(
            code=response.status_code,
            answer_headers=dict(response.headers),
            answer=response.content,
            **common,
        )
