"""`MockLLM`: a server inside a test, with its script, its journal and its assertions at hand."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mock_llm.clock import Clock, RealClock, VirtualClock
from mock_llm.handle import Handle
from mock_llm.server import Server
from mock_llm.settings import Settings

if TYPE_CHECKING:
    from mock_llm.recording import Recorder, Replay
    from mock_llm.transport import Transport

T = TypeVar("T")


class MockLLM(Handle):
    """A mock LLM server on a port of its own, in a thread of its own.

        with MockLLM(seed=7) as mock:
            mock.set_response(step=1, tool="search", arguments={"query": "cats"})
            client = OpenAI(base_url=mock.openai_base_url, api_key="any")

    script: a YAML file or rules as data. strict: a request that no rule matches is an error.
    virtual_time: waits cost nothing; `mock.clock` tells what time it is.
    record: a file (or a Recorder) for what `upstream` answers; replay: a file (or a Replay) to answer from.
    See docs/mock-llm/record-and-replay.md.
    It is a Handle on the session `default`; `mock.session("name")` gives handles on others. Enter it with
    `with` or `async with`.
    """

    def __init__(
        self,
        script: str | Path | list[Any] | Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        strict: bool = False,
        virtual_time: bool = False,
        require_key: bool = False,
        models: tuple[str, ...] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        settings: Settings | None = None,
        upstream: str | None = None,
        record: str | Path | Recorder | None = None,
        replay: str | Path | Replay | None = None,
    ) -> None:
        made = settings or Settings(
            seed=seed, mode="strict" if strict else "auto", require_key=require_key, models=models
        )
        clock: Clock = VirtualClock() if virtual_time else RealClock()
        self._host = host
        self._wanted = port
        self._thread: _Thread | None = None
        recorder, recording = _recorder(upstream, record), _replay(replay)
        if recorder is not None and (recording is not None or script is not None):
            raise ValueError("a server that records asks its upstream alone: leave `script` and `replay` out")
        server = Server(made, clock=clock, recorder=recorder, replay=recording)
        super().__init__(server, "default", self._run, lambda: self.url)
        if script is not None:
            self.load(script)

    @property
    def url(self) -> str:
        """Where the server listens. Raises RuntimeError before it is entered."""
        if self._thread is None:
            raise RuntimeError("this MockLLM is not running: enter it with `with` (or `async with`) first")
        return f"http://{self._host}:{self._thread.port}"

    @property
    def clock(self) -> Clock:
        return self.server.clock

    def session(self, name: str) -> Handle:
        """A handle on another session of the same server."""
        return Handle(self.server, name, self._run, lambda: self.url)

    def transport(self, session: str = "default") -> Transport:
        """A transport for clients of httpx and httpx2, sync and async, that reaches the server without a socket.

        It streams, and it honours timeouts, against virtual time too.
        """
        # httpx, imported by those who use it: it takes longer than all of ours.
        from mock_llm.transport import Transport

        return Transport(self.server, session, self._loop())

    def start(self) -> MockLLM:
        """Listen and serve; a second call does nothing."""
        if self._thread is None:
            self._thread = _Thread(self.server, self._host, self._wanted)
            self._thread.start_serving()
        return self

    def stop(self) -> None:
        """Close every connection and the thread; a second call does nothing."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        self.server.journal.close()

    def __enter__(self) -> MockLLM:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> MockLLM:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def _loop(self) -> asyncio.AbstractEventLoop:
        self.start()
        assert self._thread is not None
        return self._thread.loop

    def _run(self, function: Callable[[], T]) -> T:
        """Call a function on the server's loop, where its state may be touched."""
        if self._thread is None:
            return function()
        return self._thread.call(function)


def _recorder(upstream: str | None, record: str | Path | Recorder | None) -> Recorder | None:
    if record is None or not isinstance(record, str | Path):
        if upstream is not None:
            raise ValueError("`upstream` needs `record`, a file to write to")
        return record
    if upstream is None:
        raise ValueError("`record` needs `upstream`, the URL of the provider that answers")
    from mock_llm.recording import Recorder  # yaml and httpx, imported by those who use them

    return Recorder(upstream, record)


def _replay(replay: str | Path | Replay | None) -> Replay | None:
    if not isinstance(replay, str | Path):
        return replay
    from mock_llm.recording import Replay

    return Replay.read(replay)


class _Thread:
    """The server's thread and loop."""

    def __init__(self, server: Server, host: str, port: int) -> None:
        self._server = server
        self._listener = socket.create_server((host, port), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self.loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._uvicorn: Any = None
        self._thread = threading.Thread(target=self._main, name="mock-llm", daemon=True)

    def start_serving(self) -> None:
        self._thread.start()
        if not self._ready.wait(30):
            raise RuntimeError("the mock LLM server did not start within 30 s")

    def _main(self) -> None:
        from mock_llm.serving import Foreground, config

        asyncio.set_event_loop(self.loop)
        self._uvicorn = Foreground(config(self._server))

        async def main() -> None:
            self.loop.call_soon(self._ready.set)
            await self._uvicorn._serve([self._listener])

        try:
            self.loop.run_until_complete(main())
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            self.loop.close()

    def stop(self) -> None:
        def leave() -> None:
            self._uvicorn.should_exit = True
            self._uvicorn.force_exit = True
            # Open streams and idle connections would keep uvicorn waiting.
            for connection in list(self._uvicorn.server_state.connections):
                transport = getattr(connection, "transport", None)
                if transport is not None:
                    transport.close()

        self.loop.call_soon_threadsafe(leave)
        self._thread.join(10)
        self._listener.close()

    def call(self, function: Callable[[], T]) -> T:
        if threading.current_thread() is self._thread:
            return function()

        async def run() -> T:
            return function()

        made: Coroutine[Any, Any, T] = run()
        return asyncio.run_coroutine_threadsafe(made, self.loop).result(30)
