"""A task's events: told with what they tell of, in order, resumable, never by a worker that lost its lease."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import fakeredis
import pytest

from reference_agents.common.clock import RealClock
from reference_agents.runner.core import Progress
from reference_agents.runner.schemas import AgentResult, AgentTask, TaskStatus
from reference_agents.tasks import events
from reference_agents.tasks.events import EventLog, TaskEvent
from reference_agents.tasks.store import Claim, StaleFence, TaskStore


@pytest.fixture(autouse=True)
def short_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BLOCK_MS", 20)


@pytest.fixture
async def store() -> AsyncIterator[TaskStore]:
    redis = fakeredis.FakeAsyncRedis()
    yield TaskStore(redis, "search", RealClock(), lease_s=0.0)
    await redis.aclose()


async def claimed(store: TaskStore) -> Claim:
    await store.submit(AgentTask(id="t1", session_id="s", prompt="hello"), None)
    claim = await store.claim("w1")
    assert claim is not None
    return claim


async def read(store: TaskStore, after: str = "0-0") -> list[TaskEvent]:
    async with asyncio.timeout(5):
        return [event async for event in EventLog(store.redis, "search").follow("t1", after) if event is not None]


async def test_statuses_and_news_come_in_order_and_the_stream_ends_with_the_task(store: TaskStore) -> None:
    claim = await claimed(store)
    progress = Progress()
    progress.tell("llm_call", step=1, model="m")
    progress.tell("tool_call", id="c1", tool="web_search")
    await store.checkpoint(claim, progress)
    assert not progress.news
    await store.checkpoint(claim, progress)
    await store.finish(claim, AgentResult(task_id="t1", status=TaskStatus.FAILED, error="max_steps_reached"))
    found = await read(store)
    assert [event.kind for event in found] == ["status", "status", "llm_call", "tool_call", "status"]
    assert json.loads(found[2].data) == {"step": 1, "model": "m"}
    assert json.loads(found[-1].data) == {"status": "failed", "error": "max_steps_reached"}


async def test_a_reader_goes_on_after_the_last_event_it_has_and_ends_if_it_has_them_all(store: TaskStore) -> None:
    claim = await claimed(store)
    await store.finish(claim, AgentResult(task_id="t1", status=TaskStatus.COMPLETED))
    every = await read(store)
    assert await read(store, every[0].id) == every[1:]
    assert await read(store, every[-1].id) == []


async def test_a_reader_that_waits_gets_what_comes(store: TaskStore) -> None:
    claim = await claimed(store)
    reading = asyncio.create_task(read(store))
    await asyncio.sleep(0.05)
    await store.finish(claim, AgentResult(task_id="t1", status=TaskStatus.COMPLETED))
    assert [json.loads(event.data)["status"] for event in await reading] == ["pending", "running", "completed"]


async def test_a_worker_that_lost_its_lease_tells_nothing(store: TaskStore) -> None:
    first = await claimed(store)
    second = await store.claim("w2")
    assert second is not None
    progress = Progress()
    progress.tell("llm_call", step=1)
    with pytest.raises(StaleFence):
        await store.checkpoint(first, progress)
    await store.finish(second, AgentResult(task_id="t1", status=TaskStatus.COMPLETED))
    assert [event.kind for event in await read(store)] == ["status"] * 4


async def test_cancelling_a_waiting_task_is_told(store: TaskStore) -> None:
    await store.submit(AgentTask(id="t1", session_id="s", prompt="hello"), None)
    await store.cancel("t1")
    assert [json.loads(event.data)["status"] for event in await read(store)] == ["pending", "cancelled"]


async def test_streams_end_when_the_process_leaves_and_when_there_is_no_task(store: TaskStore) -> None:
    assert await read(store) == []
    await claimed(store)
    log = EventLog(store.redis, "search")
    seen = []
    async with asyncio.timeout(5):
        async for event in log.follow("t1"):
            seen.append(event)
            log.leave()
    assert len([event for event in seen if event]) == 2
