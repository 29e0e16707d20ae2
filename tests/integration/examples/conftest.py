"""Starts the examples as processes, beside an OpenAI-compatible stub that answers from a script."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
READY_S = 60


class ScriptedLlm:
    """Answers `POST /v1/chat/completions` with the next scripted reply, and the last one ever after."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self._script: list[tuple[int, dict[str, Any]]] = [(200, {"role": "assistant", "content": "hello"})]
        self._lock = threading.Lock()
        self.open = threading.Event()  # cleared: every call waits, as with an LLM that is slow
        self.open.set()
        self.delay_s = 0.0
        self.url = ""

    def says(self, *replies: str | int | tuple[str, dict[str, Any]]) -> None:
        """Each reply is a text, a failing status, or (tool name, arguments) for a tool call."""
        self._script = [self._reply(number, reply) for number, reply in enumerate(replies)]

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert self.open.wait(30)
        time.sleep(self.delay_s)
        with self._lock:
            self.requests.append(request)
            status, message = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if status != 200:
            return status, {"error": {"message": "overloaded", "type": "server_error"}}
        reason = "tool_calls" if "tool_calls" in message else "stop"
        return 200, {
            "id": f"chatcmpl-{len(self.requests)}",
            "object": "chat.completion",
            "created": 1,
            "model": request["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }

    @staticmethod
    def _reply(number: int, reply: str | int | tuple[str, dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        if isinstance(reply, int):
            return reply, {}
        if isinstance(reply, str):
            return 200, {"role": "assistant", "content": reply}
        function = {"name": reply[0], "arguments": json.dumps(reply[1])}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        return 200, {"role": "assistant", "content": None, "tool_calls": [call]}


@pytest.fixture
def llm() -> Iterator[ScriptedLlm]:
    script = ScriptedLlm()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = script.answer(request)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        yield script
        script.open.set()
        server.shutdown()
        thread.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Example:
    """One example as a process on a port of its own."""

    def __init__(self, name: str, *options: str, env: dict[str, str], log: Path) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._out = log.open("wb")
        command = [sys.executable, str(EXAMPLES / name / "app.py"), "--port", str(self.port), *options]
        self._process = subprocess.Popen(command, env={**os.environ, **env}, stdout=self._out, stderr=subprocess.STDOUT)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        pytest.fail(f"the example did not start:\n{self._log.read_text()}")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._out.close()


Start = Callable[..., Example]


@pytest.fixture
def start(llm: ScriptedLlm, tmp_path: Path) -> Iterator[Start]:
    """`start(name, *options)`: the example, ready; ended with the test."""
    running: list[Example] = []

    def begin(name: str, *options: str) -> Example:
        env = {"OPENAI_BASE_URL": llm.url, "OPENAI_API_KEY": "test", "NO_PROXY": "*", "TMPDIR": str(tmp_path)}
        example = Example(name, *options, env=env, log=tmp_path / f"{len(running)}.log")
        running.append(example)
        example.wait_ready()
        return example

    yield begin
    llm.open.set()  # let what is still waiting for the LLM end
    for example in running:
        example.stop()
