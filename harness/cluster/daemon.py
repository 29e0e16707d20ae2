"""The cluster's own process: `python -m harness.cluster.daemon --spec FILE --state-dir DIR`.

It prints one JSON line when it listens, one when everything is ready, or one with what went wrong; then it
runs until it is asked to stop, gets SIGTERM, or (with --parent) its parent is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn
import uvloop
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from harness.cluster.cluster import LocalCluster
from harness.cluster.control import Control
from harness.cluster.kubeapi.app import KubeApi
from harness.cluster.kubeapi.streams import stream
from harness.cluster.kubeapi.upgrade import protocol_for
from harness.cluster.kubeconfig import write_kubeconfig
from harness.cluster.leftovers import process_started, sweep
from harness.cluster.spec import ClusterSpec
from harness.cluster.state import ClusterState, state_file, write_state
from harness.core.clock import RealClock
from harness.core.errors import HarnessError
from harness.core.seed import Seed


class _Server(uvicorn.Server):
    """uvicorn inside a process that handles signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _say(row: dict[str, object]) -> None:
    # The parent may have gone away; the cluster lives on all the same.
    with contextlib.suppress(BrokenPipeError, ValueError):
        print(json.dumps(row), flush=True)


async def serve(spec: ClusterSpec, state_dir: Path, parent: int | None) -> int:
    """Run the cluster until it is told to stop; 0, or the exit code of what went wrong."""
    folder = state_file(state_dir, spec.name).parent
    sweep(folder)
    shutil.rmtree(folder / "pods", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    reaper = _start_reaper(folder)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    cluster = LocalCluster(spec, RealClock(), folder, Seed(1).derive("cluster", spec.name, secrets.token_hex(4)).rng())
    token = secrets.token_urlsafe(24)
    described: dict[str, str] = {}
    api, control = KubeApi(cluster), Control(cluster, token, stop, lambda: described)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await stream(WebSocket(scope, receive, send), cluster)
            return
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        handler = control.handle if scope["path"].startswith("/windtunnel/") else api.handle
        response = await handler(request)
        await response(scope, receive, send)

    server = _Server(
        uvicorn.Config(
            app,
            http=protocol_for(cluster),
            host="127.0.0.1",
            port=0,
            log_level="warning",
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    serving = loop.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells by this flag only
        await asyncio.sleep(0.005)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    kubeconfig = write_kubeconfig(folder / "kubeconfig", url, spec.namespace)
    described.update(name=spec.name, namespace=spec.namespace, kube_api=url, kubeconfig=str(kubeconfig))
    started = process_started(os.getpid())
    assert started is not None
    code = 0
    ticking: asyncio.Task[None] | None = None
    watching = loop.create_task(_watch_parent(parent, stop)) if parent else None
    try:
        await cluster.start()
        ticking = loop.create_task(cluster.tick())
        ticking.add_done_callback(lambda task: stop.set())
        write_state(
            state_dir,
            ClusterState(name=spec.name, namespace=spec.namespace, pid=os.getpid(), pid_started=started, kube_api=url,
                         kubeconfig=str(kubeconfig), control=f"{url}/windtunnel/v1", token=token),
        )  # fmt: skip
        _say({"event": "listening", "kube_api": url})
        ready = loop.create_task(cluster.wait_ready(spec.ready_timeout_s))
        stopped = loop.create_task(stop.wait())
        last = ""
        while not ready.done() and not stopped.done():
            await asyncio.wait({ready, stopped}, timeout=0.25, return_when=asyncio.FIRST_COMPLETED)
            waiting = ", ".join(cluster.unready())
            if waiting and waiting != last:
                last = waiting
                _say({"event": "waiting", "for": waiting})
        if ready.done():
            ready.result()
            _say({"event": "ready"})
        else:
            ready.cancel()
        await stopped
    except HarnessError as error:
        _say({"event": "failed", "message": error.message, "hint": error.hint, "exit_code": error.exit_code})
        code = error.exit_code
    finally:
        await cluster.stop()
        server.should_exit = True
        for task in (watching, ticking):
            if task is not None:
                task.cancel()
        server.force_exit = True
        await serving
        state_file(state_dir, spec.name).unlink(missing_ok=True)
        assert reaper.stdin is not None
        reaper.stdin.close()  # it sweeps what is left, and ends
        await asyncio.to_thread(reaper.wait)
    return code


def _start_reaper(folder: Path) -> subprocess.Popen[bytes]:
    """The process that ends what this one leaves when it is killed; it lives as long as the pipe to it."""
    argv = [sys.executable, "-m", "harness.cluster.leftovers", str(folder), str(os.getpid())]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)


async def _watch_parent(parent: int, stop: asyncio.Event) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - the kernel tells nobody but the child itself
        await asyncio.sleep(0.2)
    stop.set()


def main() -> int:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(description="Run a local cluster (started by `windtunnel up`).")
    parser.add_argument("--spec", type=Path, required=True)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--parent", type=int, help="stop when this process is gone")
    arguments = parser.parse_args()
    spec = ClusterSpec.model_validate_json(arguments.spec.read_text())
    return uvloop.run(serve(spec, arguments.state_dir, arguments.parent))


if __name__ == "__main__":
    sys.exit(main())
