"""Runs an ASGI app until SIGTERM, then lets what is under way come to its end."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI


class _Server(uvicorn.Server):
    """Ends with exit code 0 after a drain; uvicorn itself would send the signal to the process once more."""

    def __init__(self, config: uvicorn.Config, leave: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._leave = leave

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._leave is not None:
            self._leave()
        await super().shutdown(sockets)


def serve(app: FastAPI, host: str, port: int, *, grace_s: int = 15) -> int:
    """Serve `app` on host:port until SIGTERM or SIGINT; returns the exit code. Then no new request is taken and
    those under way have `grace_s` seconds; `app.state.leave`, where there is one, is called so that streams end."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=grace_s,
    )
    server = _Server(config, getattr(app.state, "leave", None))
    server.run()
    return 0 if server.started else 1
