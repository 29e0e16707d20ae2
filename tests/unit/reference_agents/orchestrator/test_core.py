"""An orchestration on a fake Redis, with agents and a model that do as they are told."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, cast

import fakeredis
import pytest
import structlog

from reference_agents.common.clock import RealClock
from reference_agents.common.metrics import Metrics
from reference_agents.cost.accounts import Accounts
from reference_agents.cost.prices import Prices
from reference_agents.cost.till import Till
from reference_agents.llm.client import LLMClient
from reference_agents.llm.errors import Unavailable
from reference_agents.llm.messages import Message, Reply
from reference_agents.orchestrator.core import Orchestrator
from reference_agents.orchestrator.directory import AgentEntry
from reference_agents.orchestrator.node import NodeRunner
from reference_agents.orchestrator.planner import Planner, Synthesizer
from reference_agents.orchestrator.schemas import Answer, Ended, OrchestrationResult
from reference_agents.orchestrator.state import RunState
from reference_agents.orchestrator.store import NotAsked, OrchestrationStore
from reference_agents.orchestrator.supervisor import Recoverable, Supervisor, Unrecoverable
from reference_agents.runner.core import Cancelled, Progress
from reference_agents.runner.schemas import AgentResult, AgentTask, TaskRequest, TaskStatus, ToolCallRecord
from reference_agents.tasks.store import Claim

Behaviour = Callable[[TaskRequest, str], Awaitable[AgentResult]]


def done(output: str, **more: Any) -> AgentResult:
    return AgentResult(task_id="t", status=TaskStatus.COMPLETED, output=output, tokens_used=100, **more)


def failed(error: str, **more: Any) -> AgentResult:
    return AgentResult(task_id="t", status=TaskStatus.FAILED, error=error, tokens_used=30, **more)


class Script:
    """Agents by what their prompt begins with; each call takes the next thing of its list, the last for ever."""

    def __init__(self, **answers: list[AgentResult | Exception]) -> None:
        self.answers = {name: list(rows) for name, rows in answers.items()}
        self.asked: list[tuple[str, TaskRequest, str]] = []
        self.cancelled: list[str] = []
        self.hold: dict[str, asyncio.Event] = {}
        self.begun: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def run(self, agent: str, request: TaskRequest, key: str) -> AgentResult:
        name = request.prompt.split()[0]
        self.asked.append((agent, request, key))
        self.begun[name].set()
        if name in self.hold:
            await self.hold[name].wait()
        rows = self.answers.get(name, [done(f"{name} done")])
        found = rows.pop(0) if len(rows) > 1 else rows[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def cancel(self, agent: str, request: TaskRequest, key: str) -> None:
        self.cancelled.append(request.prompt.split()[0])

    def names(self) -> list[str]:
        return [request.prompt.split()[0] for _, request, _ in self.asked]


class Model:
    """Answers with what it was given, the last for ever; remembers what it was asked."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers, self.asked = list(answers), list[list[Message]]()

    async def ask(self, messages: list[Message], tools: Any = (), *, max_tokens: int, deadline: float) -> Reply:
        self.asked.append(list(messages))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return Reply(model="m", content=found, prompt_tokens=20, completion_tokens=5)


def plan(*rows: tuple[str, str, str]) -> str:
    """`("b", "search", "a")`: node b of agent search needs a."""
    return json.dumps(
        {
            "nodes": [
                {"id": i, "agent": agent, "prompt": f"{i} please", "depends_on": needs.split()}
                for i, agent, needs in rows
            ]
        }
    )


DIAMOND = plan(("a", "search", ""), ("b", "search", "a"), ("c", "email", "a"), ("d", "search", "b c"))


class Bench:
    """The orchestrator with everything around it replaced."""

    def __init__(self, model: Model, script: Script) -> None:
        self.model, self.script, self.waits = model, script, list[float]()
        redis = fakeredis.FakeAsyncRedis()
        clock = RealClock()
        self.state = RunState(redis)
        self.store = OrchestrationStore(redis, clock, self.state, lease_s=30)
        entries = {
            "search": AgentEntry(name="search", url="http://s", description="finds things"),
            "email": AgentEntry(name="email", url="http://e", repeatable=False),
        }

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        llm = cast(LLMClient, model)
        runner = NodeRunner(script, entries, Supervisor(random.Random(1), sleep=sleep), clock)
        log = structlog.make_filtering_bound_logger(50)(structlog.PrintLogger(), [], {})
        metrics = Metrics("orchestrator")
        self.till = Till(Accounts(redis, clock), Prices.read(), metrics, clock, 50_000)
        self.orchestrator = Orchestrator(
            Planner(llm, entries), Synthesizer(llm), self.till, runner, self.state, clock, metrics, log
        )

    async def submit(self, **more: Any) -> str:
        task = AgentTask(id="T", session_id="s", **{"prompt": "the request", "token_budget": 32_768, **more})
        return (await self.store.submit(task, None))[0]

    async def turn(self, checkpoint: Any = None) -> tuple[Claim, Ended]:
        """One worker's turn: claim, run, finish."""
        claim = await self.store.claim("w")
        assert claim is not None

        async def keep(progress: Progress) -> None:
            if await self.store.checkpoint(claim, progress):
                raise Cancelled

        ended = await self.orchestrator.run(claim.task, claim.progress, checkpoint or keep)
        await self.store.finish(claim, ended)
        return claim, ended

    async def play(self, **more: Any) -> OrchestrationResult:
        await self.submit(**more)
        await self.turn()
        return await self.look()

    async def look(self) -> OrchestrationResult:
        found = await self.store.orchestration("T")
        assert found is not None
        return found


async def test_a_diamond_runs_in_waves_with_the_results_it_needs_as_context() -> None:
    script = Script()
    script.hold["b"] = script.begun["c"]  # b and c each end only once the other has begun
    script.hold["c"] = script.begun["b"]
    bench = Bench(Model(DIAMOND, "all of it"), script)
    result = await bench.play()
    assert (result.status, result.output, result.error) == ("completed", "all of it", "")
    assert (script.names()[0], set(script.names()[1:3]), script.names()[3]) == ("a", {"b", "c"}, "d")
    last = bench.script.asked[-1][1].prompt
    assert "b done" in last
    assert "c done" in last
    assert "a done" not in last
    assert [(node.id, node.status) for node in result.nodes] == [(name, "completed") for name in "abcd"]
    assert (result.steps_used, result.tokens_used) == (4, 4 * 100 + 2 * 25)
    assert "d done" in bench.model.asked[-1][-1].content


async def test_one_node_needs_no_synthesizer() -> None:
    bench = Bench(Model(f"Here you are:\n```json\n{plan(('a', 'search', ''))}\n```"), Script())
    assert (await bench.play()).output == "a done"
    assert len(bench.model.asked) == 1


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (plan(("a", "search", "b"), ("b", "search", "a")), "plan_invalid: cycle: a -> b -> a"),
        (plan(("a", "nobody", "")), "plan_invalid: node 'a': unknown agent 'nobody'"),
        (plan(("a", "search", "z")), "plan_invalid: node 'a': unknown dependency 'z'"),
        ("I would rather talk.", "plan_invalid: not JSON"),
    ],
)
async def test_a_plan_that_cannot_be_run_is_a_clear_error_and_paid_for(written: str, why: str) -> None:
    bench = Bench(Model(written), Script())
    result = await bench.play()
    assert result.status == "failed"
    assert result.error.startswith(why)
    assert bench.script.asked == []
    assert result.tokens_used == 50  # it was told why, and wrote the same again


async def test_a_model_that_is_told_what_is_wrong_with_its_plan_may_mend_it() -> None:
    bench = Bench(Model(plan(("a", "nobody", "")), plan(("a", "search", ""))), Script())
    assert (await bench.play()).status == "completed"
    assert "unknown agent 'nobody'" in bench.model.asked[1][-1].content


async def test_what_needs_a_failed_node_is_skipped_the_rest_goes_on_and_the_synthesizer_is_told() -> None:
    rows = plan(("a", "search", ""), ("b", "search", ""), ("c", "search", "b"), ("d", "search", "c"))
    bench = Bench(Model(rows, "half of it"), Script(b=[failed("token_budget_exceeded")]))
    result = await bench.play()
    assert (result.status, result.output) == ("completed", "half of it")
    assert [str(node.status) for node in result.nodes] == ["completed", "failed", "skipped", "skipped"]
    assert '<missing of="b"' in bench.model.asked[-1][-1].content
    assert bench.script.names() == ["a", "b"]


async def test_a_task_whose_every_branch_failed_fails_and_says_what_each_died_of() -> None:
    bench = Bench(Model(plan(("a", "search", ""), ("b", "search", "a"))), Script(a=[Unrecoverable("HTTP 403")]))
    result = await bench.play()
    assert result.status == "failed"
    assert result.error == "all_branches_failed: a: HTTP 403; b: needs a, which did not complete"


async def test_on_failure_stop_ends_the_task_and_cancels_what_runs() -> None:
    script = Script(a=[failed("max_steps_reached")])
    script.hold["a"] = script.begun["b"]
    script.hold["b"] = asyncio.Event()
    bench = Bench(Model(plan(("a", "search", ""), ("b", "search", ""), ("c", "search", "a"))), script)
    result = await bench.play(metadata={"on_failure": "stop"})
    assert (result.status, result.error) == ("failed", "node_failed: a: max_steps_reached")
    assert script.cancelled == ["b"]
    assert {node.id: str(node.status) for node in result.nodes}["b"] == "cancelled"


async def test_a_passing_trouble_is_tried_again_under_the_same_key_a_failed_task_under_a_new_one() -> None:
    rows: list[AgentResult | Exception] = [Recoverable("away"), failed("llm_unavailable"), done("at last")]
    bench = Bench(Model(plan(("a", "search", ""))), Script(a=rows))
    result = await bench.play()
    keys = [key for _, _, key in bench.script.asked]
    assert keys[0] == keys[1] != keys[2]
    assert (result.output, result.nodes[0].attempts) == ("at last", 3)
    assert result.tokens_used == 25 + 30 + 100  # the failed attempt is paid for too
    assert len(bench.waits) == 2


async def test_a_failed_task_that_had_effects_is_not_begun_anew() -> None:
    sent = ToolCallRecord(tool="send_email", arguments={}, outcome="ok")
    bench = Bench(Model(plan(("a", "email", ""))), Script(a=[failed("llm_unavailable", tool_calls=[sent])]))
    result = await bench.play()
    assert result.nodes[0].error == "llm_unavailable, after effects that must not be repeated"
    assert len(bench.script.asked) == 1


async def test_an_agent_that_stays_away_is_given_up_after_three_attempts_and_told_so() -> None:
    bench = Bench(Model(plan(("a", "search", ""))), Script(a=[Recoverable("away")]))
    result = await bench.play()
    assert result.error == "all_branches_failed: a: away (after 3 attempts)"
    assert bench.script.cancelled == ["a"]


async def test_a_question_parks_the_task_and_its_answer_brings_it_back() -> None:
    rows = plan(("a", "search", ""), ("q", "human", "a"), ("b", "search", "q"), ("c", "search", "a"))
    bench = Bench(Model(rows, "as you wish"), Script())
    result = await bench.play()
    assert result.status == "input_required"
    assert [question.node for question in result.questions] == ["q"]
    assert "a done" in result.questions[0].prompt
    assert bench.script.names() == ["a", "c"]  # what does not need the answer went on
    assert await bench.store.claim("w") is None  # no worker holds it
    with pytest.raises(NotAsked):
        await bench.store.answer("T", Answer(node="b", text="?"))
    assert await bench.store.answer("T", Answer(node="q", text="the blue one"))
    assert (await bench.look()).status == "pending"
    await bench.turn()
    result = await bench.look()
    assert (result.status, result.output) == ("completed", "as you wish")
    assert bench.script.names() == ["a", "c", "b"]
    assert "the blue one" in bench.script.asked[-1][1].prompt
    assert len(bench.model.asked) == 2  # planned once


async def test_two_questions_bring_the_task_back_only_when_both_are_answered() -> None:
    bench = Bench(Model(plan(("p", "human", ""), ("q", "human", "")), "so be it"), Script())
    assert len((await bench.play()).questions) == 2
    assert await bench.store.answer("T", Answer(node="p", text="yes"))
    assert (await bench.look()).status == "input_required"
    assert not await bench.store.answer("T", Answer(node="p", text="no"))  # the first answer stands
    assert await bench.store.answer("T", Answer(node="q", text="no"))
    assert (await bench.look()).status == "pending"


async def test_a_parked_task_can_be_cancelled() -> None:
    bench = Bench(Model(plan(("q", "human", ""))), Script())
    await bench.play()
    assert await bench.store.cancel("T") == TaskStatus.CANCELLED
    assert (await bench.look()).status == "cancelled"
    with pytest.raises(NotAsked):
        await bench.store.answer("T", Answer(node="q", text="too late"))


async def test_cancelling_reaches_the_agents() -> None:
    script = Script()
    script.hold["a"] = asyncio.Event()
    bench = Bench(Model(plan(("a", "search", ""))), script)
    await bench.submit()
    turn = asyncio.create_task(bench.turn())
    await script.begun["a"].wait()
    await bench.store.cancel("T")
    await turn
    assert (await bench.look()).status == "cancelled"
    assert script.cancelled == ["a"]


async def test_another_worker_goes_on_where_one_died_and_asks_for_the_same_tasks() -> None:
    script = Script()
    script.hold["b"] = asyncio.Event()
    bench = Bench(Model(DIAMOND, "all of it"), script)
    await bench.submit()
    turn = asyncio.create_task(bench.turn())
    await script.begun["b"].wait()
    while "c" not in (await bench.state.read("T")).results:  # noqa: ASYNC110 - Redis tells nobody
        await asyncio.sleep(0)
    turn.cancel()  # the pod is gone: nobody is told anything
    await asyncio.gather(turn, return_exceptions=True)
    assert script.cancelled == []
    assert {node.id: str(node.status) for node in (await bench.look()).nodes} == {
        "a": "completed", "b": "running", "c": "completed", "d": "waiting",
    }  # fmt: skip
    before = [(request, key) for _, request, key in script.asked if request.prompt.startswith("b")]
    script.hold.clear()
    await bench.store.redis.zadd("orchestrator:leases", {"T": 0})
    await bench.turn()
    assert (await bench.look()).output == "all of it"
    assert script.names() == ["a", "b", "c", "b", "d"]
    after = [(request, key) for _, request, key in script.asked if request.prompt.startswith("b")]
    assert after == before * 2  # the same words under the same key
    assert len(bench.model.asked) == 2


async def test_a_budget_that_is_spent_ends_the_task_and_is_reported() -> None:
    costly = done("dear").model_copy(update={"tokens_used": 3_900})
    bench = Bench(Model(plan(("a", "search", ""), ("b", "search", "a"))), Script(a=[costly]))
    result = await bench.play(token_budget=4_096)
    assert (result.status, result.error) == ("failed", "token_budget_exceeded")
    assert result.tokens_used == 3_925


async def test_no_model_is_a_failure_that_says_so() -> None:
    bench = Bench(Model(Unavailable("llm_unavailable", "m server_error")), Script())
    assert (await bench.play()).error == "llm_unavailable: m server_error"


async def test_a_deadline_ends_a_task_that_hangs() -> None:
    script = Script()
    script.hold["a"] = asyncio.Event()
    bench = Bench(Model(plan(("a", "search", ""))), script)
    bench.orchestrator.deadline_s = 0.05
    result = await bench.play()
    assert (result.status, result.error) == ("failed", "deadline_exceeded")
    assert script.cancelled == ["a"]
