"""Runs an ASGI app until SIGTERM, then lets what is under way come to its end."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI


def serve(app: FastAPI, host: str, port: int, *, grace_s: int = 20) -> int:
    """Serve `app` on host:port; returns the exit code. On SIGTERM no new request is taken."""
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=grace_s
    )
    uvicorn.Server(config).run()
    return 0
