"""A transport of httpx or httpx2 that calls the server in this process: it streams, and it honours timeouts.

Whose request it is decides whose answers and errors are given: the official clients moved to httpx2 in 2026.

httpx's own ASGITransport buffers the whole answer and ignores timeouts. Against a virtual clock the read
timeout is compared with virtual seconds, so a 30 s wait times out at once for a client with a 5 s limit.
"""

from __future__ import annotations

import asyncio
import functools
import queue
import sys
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

import httpx

from mock_llm.clock import ReadLimit
from mock_llm.wire import Scope

_END = object()


class _Limit(ReadLimit):
    """The client's read timeout on the server's virtual time."""

    def __init__(self, seconds: float | None, pipe: _Pipe) -> None:
        self.seconds = seconds
        self._pipe = pipe

    def expire(self) -> None:
        self._pipe.fail(self._pipe.library.ReadTimeout(f"no data for {self.seconds} s of virtual time"))


class _Pipe:
    """What the server sends, on its way to the client; thread-safe."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._arrived: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.failed = False

    def listen(self) -> None:
        """The client is a coroutine on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()

    def put(self, item: Any) -> None:
        self._queue.put(item)
        if self._loop is not None and self._arrived is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._arrived.set)

    def fail(self, error: Exception) -> None:
        if not self.failed:
            self.failed = True
            self.put(error)

    def get(self, timeout: float | None) -> Any:
        try:
            return _raised(self._queue.get(timeout=timeout))
        except queue.Empty:
            raise self.library.ReadTimeout("the read operation timed out") from None

    async def aget(self, timeout: float | None) -> Any:
        assert self._arrived is not None
        while self._queue.empty():
            self._arrived.clear()
            if not self._queue.empty():
                break
            try:
                await asyncio.wait_for(self._arrived.wait(), timeout)
            except TimeoutError:
                raise self.library.ReadTimeout("the read operation timed out") from None
        return _raised(self._queue.get_nowait())


def _raised(item: Any) -> Any:
    if isinstance(item, Exception):
        raise item
    return item


class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """For `httpx.Client(transport=...)`, `httpx.AsyncClient(transport=...)` and httpx2's; see `MockLLM.transport()`.

    The server runs on `loop`, in its own thread; a sync and an async client can both use it.
    """

    def __init__(self, server: Any, session: str, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._session = session
        self._loop = loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        timeout = _read_timeout(request)
        pipe, task = self._begin(request, body, timeout)
        real = None if self._server.clock.virtual else timeout
        try:
            start = pipe.get(real)
        except Exception:
            task.cancel()
            raise
        return _response(request, start, pipe, task, real)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        timeout = _read_timeout(request)
        pipe, task = self._begin(request, body, timeout, asynchronous=True)
        real = None if self._server.clock.virtual else timeout
        try:
            start = await pipe.aget(real)
        except BaseException:
            task.cancel()
            raise
        return _response(request, start, pipe, task, real)

    def _begin(
        self, request: httpx.Request, body: bytes, timeout: float | None, *, asynchronous: bool = False
    ) -> tuple[_Pipe, Any]:
        pipe = _Pipe(_library(request))
        if asynchronous:
            pipe.listen()
        task = asyncio.run_coroutine_threadsafe(self._serve(request, body, timeout, pipe), self._loop)
        return pipe, task

    async def _serve(self, request: httpx.Request, body: bytes, timeout: float | None, pipe: _Pipe) -> None:
        path = request.url.path
        if self._session != "default" and not path.startswith("/s/"):
            path = f"/s/{self._session}{path}"

        def cut(how: str) -> None:
            text = "Connection reset by peer" if how == "rst" else "Server disconnected"
            pipe.fail(
                pipe.library.ReadError(text)
                if how == "rst"
                else pipe.library.RemoteProtocolError(
                    "peer closed connection without sending complete message body (incomplete chunked read)"
                )
            )

        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "path": path,
            "raw_path": request.url.raw_path,
            "root_path": "",
            "scheme": "http",
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
            "extensions": {"mock_llm.read_limit": _Limit(timeout, pipe), "mock_llm.cut": cut},
        }
        given = False
        never = asyncio.get_running_loop().create_future()

        async def receive() -> dict[str, Any]:
            nonlocal given
            if not given:
                given = True
                return {"type": "http.request", "body": body, "more_body": False}
            await never
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                pipe.put(message)
            else:
                if message.get("body"):
                    pipe.put(message["body"])
                if not message.get("more_body", False):
                    pipe.put(_END)

        try:
            await self._server(scope, receive, send)
        except Exception as error:
            pipe.fail(error)


class _Body:
    """The body as it arrives; closing it early is the client leaving."""

    def __init__(self, pipe: _Pipe, task: Any, timeout: float | None) -> None:
        self._pipe = pipe
        self._task = task
        self._timeout = timeout

    def __iter__(self) -> Iterator[bytes]:
        while (item := self._pipe.get(self._timeout)) is not _END:
            yield item

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (item := await self._pipe.aget(self._timeout)) is not _END:
            yield item

    def close(self) -> None:
        self._task.cancel()

    async def aclose(self) -> None:
        self._task.cancel()


def _library(request: Any) -> ModuleType:
    """httpx or httpx2: the one that the request is of."""
    return sys.modules[type(request).__module__.partition(".")[0]]


@functools.cache
def _body_of(library: Any) -> type[_Body]:
    """The body as a stream in the library's eyes, which looks at its class."""
    return type("_Body", (_Body, library.SyncByteStream, library.AsyncByteStream), {})


def _response(request: Any, start: Any, pipe: _Pipe, task: Any, timeout: float | None) -> httpx.Response:
    body = _body_of(pipe.library)(pipe, task, timeout)
    answer: httpx.Response = pipe.library.Response(
        start["status"], headers=start["headers"], stream=body, request=request
    )
    return answer


def _read_timeout(request: httpx.Request) -> float | None:
    timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
    return timeouts.get("read")
