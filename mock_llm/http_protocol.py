"""HTTP/1.1 for the hot path: uvicorn's server with a protocol of our own.

uvicorn starts a task for each request and builds its answer in several steps; a mock answers most requests
without waiting for anything. Here the application's coroutine is driven at once, as far as it goes, and
becomes a task only if it has to wait; head and body leave in one write.
"""

from __future__ import annotations

import asyncio
import http
from collections import deque
from collections.abc import Coroutine, Generator
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from mock_llm.server import ADMIN

_IDLE_S = 75.0  # a connection without requests is closed after this long
_STATUS = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in http.HTTPStatus}
_BAD = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
Message = dict[str, Any]


class HttpProtocol(asyncio.Protocol):
    """One connection. Requests on it are answered one after the other, in order."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.app: Any = config.loaded_app
        self.state = server_state
        self.loop = _loop or asyncio.get_event_loop()
        self.parser: Any = httptools.HttpRequestParser(self)
        self.transport: Any = None
        self.exchange: _Exchange | None = None
        self.waiting: deque[_Exchange] = deque()
        self.writable: asyncio.Future[None] | None = None
        self.last = 0.0
        self.closing = False
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.state.connections.add(self)  # type: ignore[arg-type]
        self.last = self.loop.time()
        self.loop.call_later(_IDLE_S, self._idle)

    def connection_lost(self, exc: Exception | None) -> None:
        self.state.connections.discard(self)
        self.closing = True
        self.resume_writing()
        if self.exchange is not None:
            self.exchange.disconnected()

    def eof_received(self) -> None:
        return None

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no protocol to change to: the request is answered as it is
        except httptools.HttpParserError:
            self.transport.write(_BAD)
            self.transport.close()

    def pause_writing(self) -> None:
        if self.writable is None:
            self.writable = self.loop.create_future()

    def resume_writing(self) -> None:
        writable, self.writable = self.writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def shutdown(self) -> None:
        """uvicorn stops: close when nothing is being answered, else after the answer."""
        self.closing = True
        if self.exchange is None and self.transport is not None:
            self.transport.close()

    def _idle(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        quiet = self.loop.time() - self.last
        if self.exchange is None and quiet >= _IDLE_S:
            self.transport.close()
        else:
            self.loop.call_later(max(1.0, _IDLE_S - quiet), self._idle)

    # From the parser.

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.body = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self.headers.append((name, value))
        if name == b"expect" and value.lower() == b"100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = self.url.partition(b"?")
        if path[:4] == b"http" and b"://" in path:
            path = b"/" + path.split(b"://", 1)[1].partition(b"/")[2]
        text = path.decode("ascii", "replace")
        version = self.parser.get_http_version()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "method": self.parser.get_method().decode("ascii"),
            "path": unquote(text) if "%" in text else text,
            "raw_path": path,
            "root_path": "",
            "scheme": "http",
            "query_string": query,
            "headers": self.headers,
            "client": None,
            "server": None,
        }
        body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
        made = _Exchange(self, scope, body, self.parser.should_keep_alive() and version != "1.0")
        if self.exchange is not None:
            self.waiting.append(made)
        else:
            self.exchange = made
            made.begin()

    def finished(self, keep: bool) -> None:
        """The answer is complete: go on with the next request, or close."""
        self.last = self.loop.time()
        self.exchange = None
        if not keep or self.closing:
            self.transport.close()
        elif self.waiting:
            self.exchange = self.waiting.popleft()
            self.loop.call_soon(self.exchange.begin)


class _Exchange:
    """One request and its answer: the application's `receive` and `send`."""

    __slots__ = ("body", "chunked", "gone", "head", "keep", "over", "protocol", "scope", "taken", "transport")

    def __init__(self, protocol: HttpProtocol, scope: dict[str, Any], body: bytes, keep: bool) -> None:
        self.protocol = protocol
        self.transport = protocol.transport
        self.scope = scope
        self.body = body
        self.keep = keep
        self.taken = False
        self.chunked = False
        self.over = False
        self.head: bytes | None = None
        self.gone: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Run the application as far as it goes without waiting; the rest is a task."""
        coroutine = self.protocol.app(self.scope, self.receive, self.send)
        if self.scope["path"].startswith(ADMIN):
            self._task(self._guarded(coroutine))  # FastAPI expects to live in a task from the start
            return
        try:
            waits_for = coroutine.send(None)
        except StopIteration:
            self._end()
        except Exception:
            self._failed()
        else:
            self._task(self._guarded(_rest(coroutine, waits_for)))

    def _task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self.protocol.loop.create_task(coroutine)
        tasks: set[Any] = self.protocol.state.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _guarded(self, coroutine: Any) -> None:
        try:
            await coroutine
        except Exception:
            self._failed()
        else:
            self._end()

    def _failed(self) -> None:
        """The application broke: say so, where the answer has not begun, and close."""
        import traceback

        traceback.print_exc()
        if not self.over and self.head is None and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")
        self.keep = False
        self._end()

    def _end(self) -> None:
        if not self.over:
            # The application returned in the middle of its answer: the client must not take it for whole.
            self.over = True
            self.keep = False
        self.protocol.finished(self.keep)

    def disconnected(self) -> None:
        if self.gone is not None and not self.gone.done():
            self.gone.set_result(None)

    async def receive(self) -> Message:
        if not self.taken:
            self.taken = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        if not self.over and not self.transport.is_closing():
            self.gone = self.protocol.loop.create_future()
            await self.gone
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.head = self._head(message["status"], message["headers"])
            return
        body: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        if self.head:
            if not more and not self.chunked:
                out = self.head + body if self.scope["method"] != "HEAD" else self.head
            else:
                out = self.head + self._chunk(body, more)
            self.head = b""
        else:
            out = self._chunk(body, more)
        if not more:
            self.over = True
        transport = self.transport
        if out and not transport.is_closing():
            transport.write(out)
            writable = self.protocol.writable
            if writable is not None:
                await asyncio.shield(writable)

    def _chunk(self, body: bytes, more: bool) -> bytes:
        if self.scope["method"] == "HEAD":
            return b""
        if not self.chunked:
            return body
        piece = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return piece if more else piece + b"0\r\n\r\n"

    def _head(self, status: int, headers: Any) -> bytes:
        parts = [_STATUS.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status]
        sized = status < 200 or status in (204, 304)
        for name, value in self.protocol.state.default_headers:
            parts.append(b"%b: %b\r\n" % (name, value))
        for name, value in headers:
            parts.append(b"%b: %b\r\n" % (name, value))
            if name == b"content-length":
                sized = True
        if not sized:
            if self.scope["http_version"] == "1.0":
                self.keep = False
            else:
                self.chunked = True
                parts.append(b"transfer-encoding: chunked\r\n")
        parts.append(b"\r\n" if self.keep else b"connection: close\r\n\r\n")
        return b"".join(parts)


class _rest:
    """What is left of a coroutine that has already yielded `first`."""

    __slots__ = ("_coroutine", "_first")

    def __init__(self, coroutine: Any, first: Any) -> None:
        self._coroutine = coroutine
        self._first = first

    def __await__(self) -> Generator[Any, Any, None]:
        yielded = self._first
        while True:
            try:
                value = yield yielded
            except BaseException as error:
                step, given = self._coroutine.throw, error
            else:
                step, given = self._coroutine.send, value
            try:
                yielded = step(given)
            except StopIteration:
                return
