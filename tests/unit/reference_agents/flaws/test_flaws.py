"""Each flaw can be told from the healthy service by what it does."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fakeredis
import httpx
import pytest
import structlog

import reference_agents
from reference_agents import flaws
from reference_agents.api.deps import Parts
from reference_agents.api.service import assemble
from reference_agents.common.context import CURRENT, Trace
from reference_agents.common.settings import Settings
from reference_agents.cost.accounts import Accounts, Payer
from reference_agents.cost.till import SessionCapExceeded
from reference_agents.flaws import with_flaw
from reference_agents.llm.messages import Message, Reply, ToolCall, ToolSpec
from reference_agents.runner.core import Progress
from reference_agents.runner.memory import ContextManager
from reference_agents.runner.schemas import AgentResult, AgentTask, TaskStatus
from reference_agents.security.install import grpc_guard
from reference_agents.security.verifier import Refusal
from reference_agents.tasks.store import KeyReused, StaleFence, TaskStore
from tests.unit.reference_agents.flaws.queue_looks import committed, delivered_twice, held_up, put_aside
from tests.unit.reference_agents.flaws.span_looks import (
    spans_of_a_tool_call,
    tokens_of_a_model_call,
    trace_of_an_event,
)
from tests.unit.reference_agents.flaws.team_looks import attempts, branch, node_keys, planned
from tests.unit.reference_agents.security.conftest import Desk, new_desk
from tests.unit.reference_agents.security.test_verifier import forged

AGENTS = '[{"name": "search", "url": "http://agent"}]'
CALL = ToolCall(id="c", name="web_search", arguments={"query": "x"})


class LoopingLLM:
    """Asks for the same search for ever; forty tokens a time."""

    async def ask(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), **limits: Any) -> Reply:
        number = sum(message.role == "assistant" for message in messages)
        if number >= 30:
            return Reply(model="m", content="enough")
        call = CALL.model_copy(update={"id": f"c{number}"})
        return Reply(model="m", content="", tool_calls=(call,), prompt_tokens=30, completion_tokens=10)


class Calls:
    """A registry whose every answer is the same; it remembers the keys and headers that came."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.keys, self.traces = status, list[str](), list[str]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.traces.append(request.headers.get("traceparent", ""))
        if request.url.path == "/tools":
            return httpx.Response(200, json={"tools": []})
        self.keys.append(request.headers.get("idempotency-key", ""))
        return httpx.Response(self.status, json={"result": {"ok": True}, "detail": "no"})


def service(name: str, calls: Calls) -> Parts:
    """The agent put together with the flaw, over an in-memory Redis, a looping LLM and a scripted registry."""
    parts = assemble("search", Settings.of({"REGISTRY_URL": "http://registry.test"}))
    redis = fakeredis.FakeAsyncRedis()
    parts.http = httpx.AsyncClient(transport=httpx.MockTransport(calls))
    parts.runner.tools.http = parts.http  # type: ignore[attr-defined]
    parts.runner.memory = ContextManager(redis, "search")
    parts.redis = parts.dependencies.redis = redis
    parts.dependencies.http = parts.http
    parts.with_till(replace(parts.till, accounts=Accounts(redis, parts.clock)))
    parts.with_store(TaskStore(redis, "search", parts.clock, lease_s=0.0))
    parts.runner.llm = LoopingLLM()  # type: ignore[assignment]
    return with_flaw(parts, name)


def task(**fields: Any) -> AgentTask:
    return AgentTask(**{"id": "t", "session_id": "s", "prompt": "canary", **fields})


async def kept(progress: Progress) -> None:
    pass


async def run(parts: Parts, **fields: Any) -> AgentResult:
    parts.runner.llm = LoopingLLM()  # type: ignore[assignment]
    return await parts.runner.run(task(**fields), Progress(), kept)


async def steps(name: str) -> Any:
    return (await run(service(name, Calls()), max_steps=2)).steps_used


async def spent(name: str) -> Any:
    return (await run(service(name, Calls()), max_steps=25, token_budget=512)).tokens_used > 512


async def tool_error(name: str) -> Any:
    return (await run(service(name, Calls(status=422)), max_steps=2)).tool_calls[0].outcome


async def keys(name: str) -> Any:
    """Are two runs of one task's first search under one key?"""
    seen = []
    for pod in ("pod-1", "pod-2"):
        calls = Calls()
        parts = service("", calls)
        object.__setattr__(parts.settings, "pod", pod)
        await run(with_flaw(parts, name), max_steps=2)
        seen.append(calls.keys[0])
    return len(set(seen))


async def resumed(name: str) -> Any:
    parts = service(name, Calls())
    await parts.store.submit(task(), None)
    claim = await parts.store.claim("w")
    assert claim is not None
    await parts.store.checkpoint(claim, Progress(steps=1))
    again = await parts.store.claim("w")
    assert again is not None
    return again.progress.steps


async def stale(name: str) -> Any:
    parts = service(name, Calls())
    await parts.store.submit(task(), None)
    first, _ = await parts.store.claim("w1"), await parts.store.claim("w2")
    assert first is not None
    try:
        await parts.store.finish(first, AgentResult(task_id="t", status=TaskStatus.COMPLETED))
    except StaleFence:
        return "refused"
    return "overwritten"


async def taken_over(name: str) -> bool:
    """Whether another worker gets a task whose first worker's lease has run out."""
    parts = service(name, Calls())
    await parts.store.submit(task(), None)
    await parts.store.claim("w1")
    return await parts.store.claim("w2") is not None


async def same_key(name: str) -> Any:
    parts = service(name, Calls())
    return [(await parts.store.submit(task(id=id_), "key"))[0] for id_ in ("a", "b")]


async def other_body(name: str) -> Any:
    parts = service(name, Calls())
    await parts.store.submit(task(id="a"), "key")
    try:
        return await parts.store.submit(task(id="b", prompt="other"), "key")
    except KeyReused:
        return "refused"


async def accepted(name: str) -> Any:
    parts = service(name, Calls())
    for number in range(10):
        await parts.store.submit(task(id=f"t{number}"), None)
    return await parts.store.depth()


async def looks(name: str) -> Any:
    parts = service(name, Calls())
    await parts.store.submit(task(), None)
    await parts.store.cancel("t")
    found = [await parts.store.result("t") for _ in range(4)]
    return {row.status for row in found if row is not None}


async def ready(name: str) -> Any:
    def down(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503)

    parts = service("", Calls())
    parts.dependencies.http = httpx.AsyncClient(transport=httpx.MockTransport(down))
    return (await with_flaw(parts, name).dependencies.ready()).ready


async def traced(name: str) -> Any:
    calls = Calls()
    CURRENT.set(Trace("a" * 32))
    await run(service(name, calls), max_steps=1)
    return all("a" * 32 in trace for trace in calls.traces)


async def remembered(name: str) -> Any:
    memory = service(name, Calls()).runner.memory
    for number in range(30):
        await memory.remember("s", str(number), [Message(role="user", content="x")])
    return len(await memory.history("s"))


async def shared(name: str) -> Any:
    memory = service(name, Calls()).runner.memory
    await memory.remember("s1", "t", [Message(role="user", content="x")])
    return len(await memory.history("s2"))


async def logged(name: str) -> Any:
    parts = service(name, Calls())
    with structlog.testing.capture_logs() as rows:
        parts.runner.log = structlog.get_logger()
        await run(parts, max_steps=1)
    return "canary" in str(rows)


async def limits(name: str) -> Any:
    return service(name, Calls()).llm.wire.limits.read_s


async def cascade(name: str) -> Any:
    return len(service(name, Calls()).llm.cascade)


async def breaker(name: str) -> Any:
    (first, *_) = service(name, Calls()).llm.breakers.values()
    for _ in range(20):
        first.failed()
    return first.admit()


async def pauses(name: str) -> Any:
    return sum(service(name, Calls()).llm.backoff.wait_s(3) for _ in range(5)) > 0


async def quiet(name: str) -> Any:
    parts = service(name, Calls())
    answer = httpx.Response(429, headers={"Retry-After": "7"})
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: answer))
    object.__setattr__(parts.llm.wire, "http", client)
    try:
        await parts.llm.wire.ask(parts.llm.cascade[0], [], [], max_tokens=1, within_s=1)
    except Exception as error:
        return getattr(error, "retry_after_s", "none")


async def validated(name: str) -> Any:
    from reference_agents.registry.catalogue import Catalogue
    from reference_agents.registry.gateway import Gateway
    from reference_agents.tools.web_search.tool import web_search

    catalogue = Catalogue(fakeredis.FakeAsyncRedis())
    await catalogue.put(web_search("http://tool.test", "http://tool.test").definition)
    gateway = Gateway(catalogue, {}, None, None, None, None)  # type: ignore[arg-type]
    found = await with_flaw(gateway, name, "apply_registry").catalogue.get("web_search")
    assert found is not None
    return found.arguments.is_valid({"query": 1})


async def allowed(name: str) -> Any:
    from reference_agents.registry.gateway import Gateway

    gateway = Gateway(None, {}, None, None, None, None)  # type: ignore[arg-type]
    return with_flaw(gateway, name, "apply_registry").may("stranger", "web_search")


async def together(name: str) -> Any:
    """How many of four tasks of one session, at the same time, may ask a model for a quarter of the cap and more."""
    parts = service(name, Calls())
    everyone_there = asyncio.Barrier(4)

    class Slow:
        async def ask(self, messages: Any, tools: Any = (), **limits: Any) -> Reply:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await everyone_there.wait()
            return Reply(model="m", content="ok", prompt_tokens=15_000)

    async def one() -> bool:
        try:
            await parts.till.ask(Slow(), Payer("search", "s"), [], max_tokens=15_000, deadline=1e12)
        except SessionCapExceeded:
            return False
        return True

    return sum(await asyncio.gather(*(one() for _ in range(4))))


async def counted(name: str) -> Any:
    """Tokens on the session's account after three turns of forty, all of which asked for tools."""
    parts = service(name, Calls())
    await run(parts, max_steps=3)
    account = await parts.till.accounts.of_session("s")
    return sum(row.prompt + row.completion for row in account.models.values())


def let_in(credentials: Callable[[Desk], str | None]) -> Callable[[str], Awaitable[bool]]:
    """Is a caller with these credentials let in?"""

    async def look(name: str) -> bool:
        desk = new_desk()
        sent = credentials(desk)
        try:
            await with_flaw(desk.verifier, name, "apply_verifier").caller(sent)
        except Refusal:
            return False
        return True

    return look


async def over_grpc(name: str) -> int:
    """How many guards stand before the gRPC door."""
    env = {"AUTH_URL": "http://auth"}
    return len(grpc_guard("agent-search", assemble("search", Settings.of({})).clock, name, env))


def late(desk: Desk) -> str:
    token = desk.token(life_s=10)
    desk.clock.now += 60
    return f"Bearer {token}"


SHOWS: dict[str, tuple[Callable[[str], Awaitable[Any]], Any, Any]] = {
    # flaw: (what is looked at, healthy, flawed)
    "accepts_alg_none": (let_in(lambda desk: f"Bearer {forged(desk, 'none')}"), False, True),
    "accepts_expired": (let_in(late), False, True),
    "accepts_then_drops": (accepted, 10, 8),
    "budget_not_enforced": (spent, False, True),
    "commits_before_done": (committed, ["work", "commit"], ["commit", "work"]),
    "double_execute_on_resume": (keys, 1, 2),
    "every_event_is_new": (delivered_twice, 1, 2),
    "every_post_is_new": (same_key, ["a", "a"], ["a", "b"]),
    "failed_branch_ignored": (branch, "failed", "completed"),
    "grpc_unguarded": (over_grpc, 1, 0),
    "idempotency_key_ignores_body": (other_body, "refused", ("a", False)),
    "ignores_retry_after": (quiet, 7.0, None),
    "leaks_between_sessions": (shared, 0, 1),
    "loses_trace": (traced, True, False),
    "lost_checkpoint": (resumed, 1, 0),
    "max_steps_ignored": (steps, 2, 31),
    "model_spans_without_tokens": (tokens_of_a_model_call, 7, None),
    "new_key_each_attempt": (node_keys, 1, 3),
    "no_acl": (allowed, False, True),
    "no_auth": (let_in(lambda desk: None), False, True),
    "no_breaker": (breaker, False, True),
    "no_fallback": (cascade, 3, 1),
    "no_idempotency_key": (keys, 1, 2),
    "no_schema_validation": (validated, False, True),
    "no_supervision": (attempts, 3, 1),
    "no_takeover": (taken_over, True, False),
    "no_timeout": (limits, 5.0, None),
    "plan_unchecked": (planned, "refused", "oracle"),
    "poison_blocks": (held_up, False, True),
    "poison_swallowed": (put_aside, 1, 0),
    "prompt_in_logs": (logged, False, True),
    "ready_lies": (ready, False, True),
    "retry_without_backoff": (pauses, True, False),
    "session_cap_racy": (together, 3, 4),
    "stale_fencing": (stale, "refused", "overwritten"),
    "swallowed_tool_error": (tool_error, "error", "ok"),
    "tokens_uncounted": (counted, 120, 0),
    "tool_calls_without_spans": (spans_of_a_tool_call, 1, 0),
    "trace_ends_at_the_broker": (trace_of_an_event, True, False),
    "unbounded_history": (remembered, 20, 30),
    "wrong_audience_accepted": (let_in(lambda desk: f"Bearer {desk.token(audience='agent-code')}"), False, True),
    "wrong_status_transition": (looks, {"cancelled"}, {"cancelled", "running"}),
}


@pytest.mark.parametrize("name", sorted(SHOWS))
async def test_a_flaw_shows_and_the_healthy_service_does_not_show_it(name: str) -> None:
    look, healthy, flawed = SHOWS[name]
    assert await look("") == healthy
    assert await look(name) == flawed


def test_every_flaw_is_described_and_shown() -> None:
    page = (Path(reference_agents.__file__).parent / "FLAWS.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == flaws.names()
    assert sorted(SHOWS) == flaws.names()


def test_an_unknown_flaw_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"no flaw 'no_such'; there are: accepts_alg_none"):
        with_flaw(object(), "no_such")
