"""Dead letters on a real broker and a real Redis: kept, reported when new, sent again when told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from redis.asyncio import Redis

from reference_agents.common.settings import Settings
from reference_agents.dlq.service import DlqParts, assemble, create_app
from reference_agents.dlq.store import LetterStore, fingerprint
from reference_agents.main import main
from reference_agents.queue.events import dead_letter_topic, tasks_topic
from reference_agents.queue.messages import Received, dead, redriven
from reference_agents.queue.topics import ensure


class SetClock:
    """Time that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def monotonic(self) -> float:
        return self.now

    def epoch(self) -> float:
        return self.now


def letter(number: int, error: str = "it breaks") -> Received:
    came = Received("agent.tasks.search", b"s", f"value {number}".encode(), {"traceparent": "00-x"}, 0, number, 5)
    message = dead(came, "agent.tasks.search.dlq", error, 3)
    return Received(message.topic, message.key, message.value, message.headers, 1, number, 6)


async def test_a_letter_is_kept_once_and_the_first_of_its_kind_is_reported(redis: Redis) -> None:
    letters = LetterStore(redis, SetClock())
    for number in range(3):
        assert await letters.add(letter(number, f"task {number} broke after {number + 7} s"))
    assert not await letters.add(letter(0, "task 0 broke after 7 s"))
    await letters.add(letter(3, "something else"))
    assert await letters.depth() == 4
    to_report = await letters.to_report()
    assert sorted(each.error for each in to_report) == ["something else", "task 0 broke after 7 s"]
    for each in to_report:
        await letters.reported(each)
    await letters.add(letter(4, "task 9 broke after 1 s"))
    assert await letters.to_report() == []


def test_errors_that_differ_in_figures_and_ids_are_of_one_kind() -> None:
    one = fingerprint("t", f"HTTP 503 for {uuid.UUID(int=1)} after 12 s")
    assert one == fingerprint("t", f"HTTP 502 for {uuid.UUID(int=9**20)} after 3 s")
    assert one != fingerprint("t2", "HTTP 503 for # after # s")


async def test_a_letter_is_due_after_its_delay_and_no_sooner(redis: Redis) -> None:
    clock = SetClock()
    letters = LetterStore(redis, clock)
    await letters.add(letter(1))
    assert await letters.redrive(letter(1).id, 60) == "scheduled"
    assert await letters.redrive("nobody", 0) is None
    clock.now += 59
    assert await letters.due() == []
    clock.now += 2
    (due,) = await letters.due()
    assert redriven(due.message).topic == "agent.tasks.search"
    assert redriven(due.message).headers == {"traceparent": "00-x"}
    await letters.sent(due)
    assert (await letters.due(), await letters.depth()) == ([], 0)
    found = await letters.get(due.id)
    assert found is not None
    assert (found.state, found.redrives) == ("redriven", 1)


async def test_a_letter_that_does_not_say_where_it_came_from_is_not_sent_anywhere(redis: Redis) -> None:
    letters = LetterStore(redis, SetClock())
    stray = Received("agent.tasks.search.dlq", b"", b"?", {}, 0, 1, 1)
    await letters.add(stray)
    with pytest.raises(ValueError, match="where it came from"):
        await letters.redrive(stray.id, 0)


async def test_letters_are_forgotten_after_a_fortnight(redis: Redis) -> None:
    clock = SetClock()
    letters = LetterStore(redis, clock)
    await letters.add(letter(1))
    clock.now += 14 * 24 * 3600 + 1
    assert (await letters.list(), await letters.depth()) == ([], 0)


async def test_the_command_line_lists_shows_and_redrives(
    redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from reference_agents.common.clock import RealClock

    monkeypatch.setenv("REDIS_URL", redis_url)
    letters = LetterStore(redis, RealClock())
    await letters.add(letter(1))

    async def command(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, ["dlq", *words])
        return code, capsys.readouterr().out

    code, said = await command("list")
    row = json.loads(said)
    assert (code, row["error"], row["state"], "value" in row) == (0, "it breaks", "stored", False)
    code, said = await command("show", row["id"])
    assert (code, json.loads(said)["value"]) == (0, "value 1")
    code, said = await command("redrive", row["id"], "--delay", "5")
    assert (code, json.loads(said)["state"]) == (0, "scheduled")
    assert (await command("show", "nobody"))[0] == 1
    assert (await command("redrive", "nobody"))[0] == 1
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert (await command("list"))[0] == 2


@pytest.fixture
async def names(brokers: str) -> str:
    agent = f"d{uuid.uuid4().hex[:8]}"
    await ensure(brokers, [tasks_topic(agent), dead_letter_topic(agent)])
    return agent


@contextlib.asynccontextmanager
async def handler(env: dict[str, str]) -> AsyncIterator[DlqParts]:
    parts = assemble(Settings.of(env), env)
    parts.background.start()
    try:
        yield parts
    finally:
        await parts.background.stop()
        await parts.http.aclose()
        await parts.redis.aclose()


async def test_from_the_dead_letter_topic_to_the_webhook_and_back_to_the_agents_topic(
    names: str, brokers: str, redis: Redis, redis_url: str
) -> None:
    env = {
        "KAFKA_BROKERS": brokers,
        "REDIS_URL": redis_url,
        "DLQ_AGENTS": names,
        "DLQ_WEBHOOK": "http://people/alert",
        "KAFKA_SESSION_SECONDS": "1",
    }
    came = Received(tasks_topic(names), b"s1", b"the message", {"traceparent": "00-x"}, 0, 0, 1)
    letter_ = dead(came, dead_letter_topic(names), "RuntimeError: it breaks", 3)
    producer: Any = AIOKafkaProducer(bootstrap_servers=brokers)
    await producer.start()
    headers = [(name, value.encode()) for name, value in letter_.headers.items()]
    for _ in range(2):
        await producer.send_and_wait(letter_.topic, letter_.value, key=letter_.key, headers=headers)
    await producer.stop()
    with respx.mock:
        hook = respx.post("http://people/alert").mock(side_effect=[httpx.Response(500), httpx.Response(200)])
        async with handler(env) as parts:
            async with asyncio.timeout(30):
                while await parts.letters.depth() < 2 or hook.call_count < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            first = (await parts.letters.list())[-1]
            assert await parts.letters.redrive(first.id, 0) == "scheduled"
            consumer: Any = AIOKafkaConsumer(came.topic, bootstrap_servers=brokers, auto_offset_reset="earliest")
            await consumer.start()
            try:
                async with asyncio.timeout(20):
                    back = await consumer.getone()
            finally:
                await consumer.stop()
            async with asyncio.timeout(10):
                while await parts.letters.depth() > 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
    assert (back.value, back.key, back.headers) == (b"the message", b"s1", (("traceparent", b"00-x"),))
    assert hook.call_count == 2  # the first was not taken; two letters of a kind are one alert
    told = json.loads(hook.calls[1].request.content)
    assert told["error"] == "RuntimeError: it breaks"
    assert "the message" not in str(told)


async def test_review_over_http(redis: Redis, redis_url: str) -> None:
    env = {"KAFKA_BROKERS": "127.0.0.1:1", "REDIS_URL": redis_url}
    await LetterStore(redis, SetClock()).add(letter(1))
    app = create_app(Settings.of(env), env)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://dlq") as http:
        assert (await http.get("/ready")).status_code == 200
        shown = (await http.get(f"/letters/{letter(1).id}")).json()
        assert (shown["value"], shown["topic"], shown["attempts"]) == ("value 1", "agent.tasks.search", 3)
        assert (await http.get("/letters/nobody")).status_code == 404
        assert (await http.post("/letters/nobody/redrive", json={})).status_code == 404
        assert (await http.post(f"/letters/{letter(1).id}/redrive", json={"delay_s": -1})).status_code == 422
        assert (await http.post(f"/letters/{letter(1).id}/redrive", json={"delay_s": 9})).json()["state"] == "scheduled"
        assert "dlq_depth " in (await http.get("/metrics")).text
