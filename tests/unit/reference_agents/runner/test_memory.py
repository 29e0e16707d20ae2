"""The memory stays bounded, keeps system messages, and never parts a tool's result from its call."""

from __future__ import annotations

import fakeredis
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_agents.llm.messages import Message, ToolCall
from reference_agents.runner import tokens
from reference_agents.runner.memory import ContextManager, compress

TEXT = st.text(alphabet="ab cd\n", max_size=120)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    turns = [Message(role="system", content=draw(TEXT))]
    for number in range(draw(st.integers(0, 8))):
        turns.append(Message(role="user", content=draw(TEXT)))
        count = draw(st.integers(0, 3))
        if count:
            calls = tuple(
                ToolCall(id=f"{number}-{n}", name="search", arguments={"q": draw(TEXT)}) for n in range(count)
            )
            turns.append(Message(role="assistant", tool_calls=calls))
            turns += [Message(role="tool", tool_call_id=call.id, content=draw(TEXT)) for call in calls]
        turns.append(Message(role="assistant", content=draw(TEXT)))
    turns.append(Message(role="user", content=draw(TEXT)))
    return turns


@settings(deadline=None)
@given(conversations(), st.integers(0, 800))
def test_compression_keeps_pairs_system_and_the_newest_within_the_bound(turns: list[Message], most: int) -> None:
    kept = compress(turns, most)
    called = {call.id for message in kept for call in message.tool_calls}
    answered = {message.tool_call_id for message in kept if message.role == "tool"}
    assert called == answered
    assert kept[0] == turns[0]
    assert kept[-1] == turns[-1]
    must = tokens.of_message(turns[0]) + tokens.of_message(turns[-1])
    assert sum(map(tokens.of_message, kept)) <= max(most, must)


def test_a_long_tool_result_is_shortened_rather_than_its_call_dropped() -> None:
    call = ToolCall(id="1", name="search", arguments={})
    work = [
        Message(role="user", content="find it"),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", tool_call_id="1", content="word " * 5000),
    ]
    kept = compress(work, 500, keep_last=3)
    assert [message.role for message in kept] == ["user", "assistant", "tool"]
    assert kept[2].content.endswith("[shortened]")
    assert sum(map(tokens.of_message, kept)) < 600


async def test_the_last_twenty_turns_are_remembered_and_expire() -> None:
    redis = fakeredis.FakeAsyncRedis()
    memory = ContextManager(redis, "search")
    for number in range(15):
        turns = [Message(role="user", content=f"q{number}"), Message(role="assistant", content=f"a{number}")]
        await memory.remember("s", f"task-{number}", turns)
    history = await memory.history("s")
    assert len(history) == 20
    assert (history[0].content, history[-1].content) == ("q5", "a14")
    assert 0 < await redis.ttl("search:session:s") <= 24 * 3600
    assert await memory.history("other") == []
    await redis.aclose()


async def test_a_task_that_ends_twice_is_remembered_once() -> None:
    redis = fakeredis.FakeAsyncRedis()
    memory = ContextManager(redis, "search")
    for _ in range(2):
        await memory.remember("s", "task", [Message(role="user", content="q")])
    assert len(await memory.history("s")) == 1
    await redis.aclose()
