"""`mock-llm serve`: a server in the foreground, and its account at the end."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from mock_llm.clock import RealClock, VirtualClock
from mock_llm.faults.plan import plan_from_data
from mock_llm.http_protocol import HttpProtocol
from mock_llm.pacing import from_data
from mock_llm.script.model import Unused
from mock_llm.script.yaml_file import ScriptFileError, read_script
from mock_llm.server import Server
from mock_llm.settings import Settings

if TYPE_CHECKING:
    from mock_llm.recording import Replay


def run(
    script: Path | None,
    *,
    host: str,
    port: int,
    seed: int,
    strict: bool,
    require_key: bool,
    virtual_time: bool,
    replay: Path | None = None,
    speed: float = 1.0,
    models: Mapping[str, str] | None = None,
) -> int:
    """Serve until interrupted; the exit code (64 for a script, a recording or an address that will not do)."""
    try:
        recording = _replay(replay, speed, models or {})
    except OSError as error:
        return refused(f"{replay} cannot be read: {error.strerror or error}")
    except ValueError as error:
        return refused(str(error))
    server = Server(
        Settings(seed=seed, mode="strict" if strict else "auto", require_key=require_key),
        clock=VirtualClock() if virtual_time else RealClock(),
        replay=recording,
    )
    if script is not None:
        try:
            file = read_script(script)
            server.script.set(file.rules)
            if file.faults is not None:
                server.faults = plan_from_data(file.faults, server.clock.now())
            if file.pacing is not None:
                server.pacing = from_data(file.pacing)
        except OSError as error:
            return refused(f"{script} cannot be read: {error.strerror or error}")
        except ScriptFileError as error:
            return refused(str(error))
        except ValueError as error:
            return refused(f"{script}: {error}")
    if not listen(server, host, port):
        return 64
    if server.script.rules:
        for rule in server.script.unused():
            print(f"mock-llm: rule {rule.name!r}{_line(rule)} was never used: {rule.when}", flush=True)
    for exchange in recording.unused() if recording is not None else ():
        print(f"mock-llm: {exchange.name}{_line(exchange)} was never used: {exchange.when}", flush=True)
    return 0


def refused(why: str) -> int:
    """Say on stderr why nothing is served; the exit code of bad usage."""
    print(f"mock-llm: {why}", file=sys.stderr)
    return 64


def listen(server: Server, host: str, port: int) -> bool:
    """Serve on an address until interrupted, and say where. False, and why, where it cannot be listened on."""
    try:
        listener = _listener(host, port)
    except OSError as error:
        refused(f"cannot listen on {host}:{port}: {error.strerror or error}; try --port 0")
        return False
    bound = listener.getsockname()[1]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    foreground = Foreground(config(server))
    # Before anybody is told the address: an interrupt that comes while uvicorn starts would else be lost in it.
    before = signal.signal(signal.SIGINT, foreground.handle_exit)
    try:
        print(f"mock-llm on http://{shown}:{bound}  (OPENAI_BASE_URL=http://{shown}:{bound}/v1)", flush=True)
        # The journal keeps many small objects alive and a request makes no cycles: collect seldom.
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)
        foreground.run(sockets=[listener])
    finally:
        signal.signal(signal.SIGINT, before)
    return True


def _replay(path: Path | None, speed: float, models: Mapping[str, str]) -> Replay | None:
    if path is None:
        return None
    from mock_llm.recording import Replay

    return Replay.read(path, speed=speed, models=models)


def _line(unused: Unused) -> str:
    return f" (line {unused.line})" if unused.line else ""


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def config(server: Server) -> uvicorn.Config:
    """uvicorn as the mock wants it: nothing logged, uvloop, and a protocol of our own."""
    return uvicorn.Config(
        server,
        http=HttpProtocol,
        loop="auto",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=True,
        ws="none",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        backlog=4096,
    )


class Foreground(uvicorn.Server):
    """uvicorn, which when it stops also closes what the mock holds open."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        app: Any = self.config.app
        await app.aclose()
