"""The store of tasks: accepted once, owned by one worker at a time, over once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import fakeredis
import pytest

from reference_agents.runner.core import Progress
from reference_agents.runner.schemas import AgentResult, AgentTask, TaskStatus
from reference_agents.tasks.store import MOST_ATTEMPTS, Claim, KeyReused, StaleFence, TaskStore


class HandClock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def epoch(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def store(clock: HandClock) -> AsyncIterator[TaskStore]:
    redis = fakeredis.FakeAsyncRedis()
    yield TaskStore(redis, "search", clock, lease_s=3.0)
    await redis.aclose()


def task(name: str = "t1", prompt: str = "hello") -> AgentTask:
    return AgentTask(id=name, session_id="s", prompt=prompt)


async def claimed(store: TaskStore, worker: str = "w") -> Claim:
    claim = await store.claim(worker)
    assert claim is not None
    return claim


def done(name: str = "t1") -> AgentResult:
    return AgentResult(task_id=name, status=TaskStatus.COMPLETED, output="ok")


async def test_tasks_are_claimed_in_the_order_of_their_coming(store: TaskStore) -> None:
    for name in ("a", "b", "c"):
        await store.submit(task(name), None)
    assert [(await claimed(store)).task.id for _ in range(3)] == ["a", "b", "c"]
    assert await store.claim("w") is None


async def test_one_key_is_one_task_and_another_body_is_refused(store: TaskStore) -> None:
    assert await store.submit(task("a"), "key") == ("a", True)
    assert await store.submit(task("b"), "key") == ("a", False)
    with pytest.raises(KeyReused):
        await store.submit(task("c", "other"), "key")
    assert await store.depth() == 1


async def test_concurrent_submits_under_one_key_make_one_task(store: TaskStore) -> None:
    answers = await asyncio.gather(*(store.submit(task(f"t{n}"), "key") for n in range(20)))
    assert len({name for name, _ in answers}) == 1
    assert sum(new for _, new in answers) == 1
    assert await store.depth() == 1


async def test_a_held_lease_keeps_others_away_and_an_expired_one_passes_with_its_checkpoint(
    store: TaskStore, clock: HandClock
) -> None:
    await store.submit(task(), None)
    first = await claimed(store, "w1")
    await store.checkpoint(first, Progress(steps=2))
    clock.now += 2
    await store.renew(first)
    clock.now += 2
    assert await store.claim("w2") is None
    clock.now += 2
    second = await claimed(store, "w2")
    assert (second.fence, second.progress.steps) == (2, 2)


async def test_a_worker_that_lost_its_lease_can_write_nothing(store: TaskStore, clock: HandClock) -> None:
    await store.submit(task(), None)
    first = await claimed(store, "w1")
    clock.now += 4
    second = await claimed(store, "w2")
    for write in (store.renew(first), store.checkpoint(first, Progress(steps=9)), store.finish(first, done())):
        with pytest.raises(StaleFence):
            await write
    await store.finish(second, done())
    found = await store.result("t1")
    assert found is not None
    assert (found.status, found.attempts) == (TaskStatus.COMPLETED, 2)


async def test_a_task_is_over_once(store: TaskStore) -> None:
    await store.submit(task(), None)
    claim = await claimed(store)
    await store.finish(claim, done())
    with pytest.raises(StaleFence):
        await store.finish(claim, AgentResult(task_id="t1", status=TaskStatus.FAILED))
    assert await store.cancel("t1") is TaskStatus.COMPLETED
    assert await store.claim("w") is None


async def test_a_waiting_task_is_cancelled_at_once_and_never_claimed(store: TaskStore) -> None:
    await store.submit(task(), None)
    assert await store.cancel("t1") is TaskStatus.CANCELLED
    assert await store.claim("w") is None
    assert await store.cancel("none") is None


async def test_a_running_task_hears_of_its_cancellation_at_the_next_checkpoint(store: TaskStore) -> None:
    await store.submit(task(), None)
    claim = await claimed(store)
    assert await store.checkpoint(claim, Progress()) is False
    assert await store.cancel("t1") is TaskStatus.RUNNING
    assert await store.checkpoint(claim, Progress()) is True


async def test_a_task_that_kills_its_workers_is_given_up(store: TaskStore, clock: HandClock) -> None:
    await store.submit(task(), None)
    for _ in range(MOST_ATTEMPTS):
        await claimed(store)
        clock.now += 4
    assert await store.claim("w") is None
    found = await store.result("t1")
    assert found is not None
    assert (found.status, found.error) == (TaskStatus.FAILED, "too_many_attempts")
