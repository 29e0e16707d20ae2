"""Prices, accounts, the till and the endpoint: what is spent is known, and a session's cap holds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fakeredis
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisGone

from reference_agents.common import problem
from reference_agents.common.metrics import Metrics
from reference_agents.cost.accounts import Account, Accounts, Hold, NoRoom, Payer, Spent
from reference_agents.cost.prices import Prices
from reference_agents.cost.routes import router
from reference_agents.cost.till import SessionCapExceeded, Till, user_of
from reference_agents.llm.errors import Unavailable
from reference_agents.llm.messages import Message, Reply

PAYER = Payer("search", "s", "ada@example.org")


@dataclass
class HandClock:
    now: float = 1_700_000_000.0  # 2023-11-14T22:13:20Z

    def monotonic(self) -> float:
        return self.now

    def epoch(self) -> float:
        return self.now


@dataclass
class Model:
    """Answers after `hold` is open, with this usage, or fails."""

    prompt: int = 100
    completion: int = 10
    fails: Exception | None = None
    open_: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def ask(self, messages: Any, tools: Any = (), *, max_tokens: int, deadline: float) -> Reply:
        self.asked += 1
        self.began.set()
        await self.open_.wait()
        if self.fails is not None:
            raise self.fails
        return Reply(
            model="gpt-4o-2024-08-06", content="x", prompt_tokens=self.prompt, completion_tokens=self.completion
        )


@pytest.fixture
async def accounts() -> AsyncIterator[Accounts]:
    redis = fakeredis.FakeAsyncRedis()
    yield Accounts(redis, HandClock())
    await redis.aclose()


@pytest.fixture
def till(accounts: Accounts) -> Till:
    return Till(accounts, Prices.read(), Metrics("search"), accounts.clock, cap=5_000)


def ready(**fields: Any) -> Model:
    model = Model(**fields)
    model.open_.set()
    return model


def total(account: Account) -> int:
    return sum(row.prompt + row.completion for row in account.models.values())


async def ask(till: Till, model: Model, payer: Payer = PAYER, most: int = 1_000) -> Reply:
    return await till.ask(model, payer, [Message(role="user", content="hi")], max_tokens=most, deadline=till.clock.now)  # type: ignore[attr-defined]


def test_the_longest_name_that_fits_prices_a_model() -> None:
    prices = Prices.read()
    assert prices.of("gpt-4o-mini-2024-07-18") is prices.models["gpt-4o-mini"]
    assert prices.of("gpt-4o-2024-08-06") is prices.models["gpt-4o"]
    assert prices.of("llama3") is None
    assert prices.nanos("gpt-4o", 1_000_000, 100_000) == 3_500_000_000
    assert prices.nanos("llama3", 1_000_000, 1) == 0


@pytest.mark.parametrize("text", ["[models.x]\nprompt = -1\ncompletion = 0", "models = 3", "[", None])
def test_a_file_that_is_no_price_list_is_named(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "prices.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=r"prices\.toml is no price list"):
        Prices.read(str(file))


async def test_what_a_call_cost_is_on_every_account_and_in_the_metrics(till: Till) -> None:
    await ask(till, ready())
    spent = {"gpt-4o-2024-08-06": Spent(100, 10, 350_000)}
    accounts = till.accounts
    assert await accounts.of_session("s") == Account(spent, held=0)
    assert await accounts.of_user("ada@example.org", "2023-11-14") == Account(spent)
    assert await accounts.of_agent("search", "2023-11-14") == Account(spent)
    assert await accounts.of_agent("search", "2023-11-15") == Account()
    labels = {"agent": "search", "model": "gpt-4o-2024-08-06"}
    value = till.metrics.registry.get_sample_value
    assert value("agent_llm_tokens_total", {**labels, "kind": "prompt"}) == 100
    assert value("agent_llm_tokens_total", {**labels, "kind": "completion"}) == 10
    assert value("agent_llm_cost_usd_total", labels) == pytest.approx(0.00035)
    assert not [key for key in await accounts.redis.keys() if b"ada" in key]


async def test_a_user_that_nobody_names_has_no_account(till: Till) -> None:
    await ask(till, ready(), Payer("search", "s"))
    assert not await till.accounts.redis.keys("cost:user*")
    assert user_of({"user_id": "u"}) == "u" and user_of({"user_id": 3}) == user_of({}) == ""


async def test_calls_under_way_count_against_the_cap_before_they_have_cost_anything(till: Till) -> None:
    model = Model()
    under_way = [asyncio.create_task(ask(till, model, most=2_000)) for _ in range(5)]
    async with asyncio.timeout(5):
        done, waiting = await asyncio.wait(under_way, timeout=0.2)
    assert len(waiting) == model.asked == 2
    for task in done:
        with pytest.raises(SessionCapExceeded, match=r"^session_cap_exceeded: 0 spent, \d+ held of 5000 tokens"):
            await task
    assert till.metrics.registry.get_sample_value("agent_session_cap_refusals_total", {"agent": "search"}) == 3
    model.open_.set()
    await asyncio.gather(*waiting)
    assert total(await till.accounts.of_session("s")) == 220
    await ask(till, model, most=2_000)  # what was held and not used is free again


async def test_another_session_has_a_cap_of_its_own(till: Till) -> None:
    await ask(till, ready(prompt=4_900))
    with pytest.raises(SessionCapExceeded):
        await ask(till, ready())
    await ask(till, ready(), Payer("search", "other"))


async def test_a_call_that_fails_gives_its_room_back(till: Till) -> None:
    with pytest.raises(Unavailable):
        await ask(till, ready(fails=Unavailable("llm_unavailable")), most=4_000)
    assert (await till.accounts.of_session("s")).held == 0
    await ask(till, ready(), most=4_000)


async def test_a_call_that_is_cancelled_gives_its_room_back(till: Till) -> None:
    model = Model()
    task = asyncio.create_task(ask(till, model))
    await model.began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await till.accounts.of_session("s")).held == 0


async def test_the_hold_of_a_worker_that_died_ends_by_itself(till: Till) -> None:
    accounts, clock = till.accounts, till.clock
    await accounts.reserve(Hold("dead", 4_500, PAYER), cap=5_000, for_s=10)
    with pytest.raises(SessionCapExceeded):
        await ask(till, ready())
    clock.now += 10  # type: ignore[attr-defined]
    assert (await accounts.of_session("s")).held == 0
    await ask(till, ready())


async def test_a_command_that_arrives_twice_counts_once(accounts: Accounts) -> None:
    hold = Hold("h", 600, PAYER)
    for _ in range(2):
        await accounts.reserve(hold, cap=1_000, for_s=10)
    assert (await accounts.of_session("s")).held == 600
    for _ in range(2):
        await accounts.settle(hold, "m", Spent(50, 5, 7))
    assert await accounts.of_session("s") == Account({"m": Spent(50, 5, 7)})


async def test_a_call_that_outlived_its_hold_is_paid_for_all_the_same(accounts: Accounts) -> None:
    hold = Hold("h", 600, PAYER)
    await accounts.reserve(hold, cap=1_000, for_s=10)
    accounts.clock.now += 60  # type: ignore[attr-defined]
    await accounts.settle(hold, "m", Spent(700, 50, 0))
    assert total(await accounts.of_session("s")) == 750


async def test_without_accounts_nothing_is_spent(till: Till) -> None:
    class Gone(Accounts):
        async def reserve(self, hold: Hold, *, cap: int, for_s: float) -> None:
            raise RedisGone

    till.accounts = Gone(till.accounts.redis, till.clock)
    model = ready()
    with pytest.raises(RedisGone):
        await ask(till, model)
    assert model.asked == 0


@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 900), min_size=1, max_size=40))
async def test_spent_and_held_never_pass_the_cap(seed: int, sizes: list[int]) -> None:
    """Any interleaving of reserving, settling (for no more than was held), releasing and dying."""
    rng, redis = random.Random(seed), fakeredis.FakeAsyncRedis()
    accounts, open_ = Accounts(redis, HandClock()), list[Hold]()
    for number, size in enumerate(sizes):
        hold, before = Hold(str(number), size, PAYER), await accounts.of_session("s")
        if total(before) + before.held + size > 1_000:
            with pytest.raises(NoRoom):
                await accounts.reserve(hold, cap=1_000, for_s=10)
        else:
            await accounts.reserve(hold, cap=1_000, for_s=10)
            open_.append(hold)
        while open_ and rng.random() < 0.5:
            hold = open_.pop(rng.randrange(len(open_)))
            if rng.random() < 0.5:
                await accounts.settle(hold, "m", Spent(rng.randint(0, hold.tokens), 0, 0))
            else:
                await accounts.release(hold)
        account = await accounts.of_session("s")
        assert total(account) + account.held <= 1_000
        assert account.held == sum(hold.tokens for hold in open_)
    await redis.aclose()


@pytest.fixture
async def http(till: Till) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problem.install(app)
    app.include_router(router(till, "search"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://agent") as client:
        yield client


async def test_the_endpoint_tells_what_a_session_a_user_and_the_agent_spent(
    till: Till, http: httpx.AsyncClient
) -> None:
    await ask(till, ready())
    await till.accounts.reserve(Hold("h", 300, PAYER), cap=5_000, for_s=10)
    row = {"prompt_tokens": 100, "completion_tokens": 10, "usd": 0.00035}
    session = (await http.get("/cost", params={"session_id": "s"})).json()
    assert session == {
        "of": "session", "day": None, "tokens": 110, "usd": 0.00035, "models": {"gpt-4o-2024-08-06": row},
        "unpriced": [], "held": 300, "cap": 5_000,
    }  # fmt: skip
    for query in ({"user_id": "ada@example.org"}, {}, {"day": "2023-11-14"}):
        found = (await http.get("/cost", params=query)).json()
        assert (found["day"], found["tokens"], found["held"]) == ("2023-11-14", 110, 0)
    assert (await http.get("/cost", params={"day": "2023-11-13"})).json()["tokens"] == 0
    assert (await http.get("/cost", params={"user_id": "nobody"})).json()["tokens"] == 0


async def test_a_model_without_a_price_is_named(till: Till, http: httpx.AsyncClient) -> None:
    await till.accounts.settle(Hold("h", 1, PAYER), "llama3", Spent(5, 5, 0))
    assert (await http.get("/cost", params={"session_id": "s"})).json()["unpriced"] == ["llama3"]


async def test_a_session_goes_before_a_user_and_a_day_must_be_one(http: httpx.AsyncClient) -> None:
    assert (await http.get("/cost?session_id=s&user_id=u&day=2023-11-14")).json()["of"] == "session"
    assert (await http.get("/cost?user_id=u")).json()["of"] == "user"
    assert (await http.get("/cost?day=yesterday")).status_code == 422
