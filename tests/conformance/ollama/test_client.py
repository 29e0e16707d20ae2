"""The official client: chat, tools, thinking, structured output, generate, embeddings, broken streams."""

from __future__ import annotations

import math
from typing import Any

import httpx
import ollama
import pytest
from pydantic import BaseModel

from mock_llm import MockLLM
from mock_llm.sweep import sweep

ASKED = [{"role": "user", "content": "When is the tide?"}]


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: The city's name.
    """
    return f"Rain in {city}."


def test_a_chat(llm: MockLLM, client: ollama.Client) -> None:
    llm.set_response("Twice a day.")
    answer = client.chat("llama3.2", ASKED)
    assert answer.message.content == "Twice a day."
    assert (answer.model, answer.done, answer.done_reason) == ("llama3.2", True, "stop")
    assert answer.prompt_eval_count and answer.eval_count and answer.eval_duration
    assert answer.total_duration and answer.total_duration > answer.eval_duration
    [call] = llm.calls
    assert (call.protocol, call.model) == ("ollama", "llama3.2")


def test_a_chat_in_pieces(llm: MockLLM, client: ollama.Client) -> None:
    llm.set_response("High water comes twice a day, as the moon goes round.")
    parts = list(client.chat("llama3.2", ASKED, stream=True))
    assert "".join(part.message.content or "" for part in parts) == (
        "High water comes twice a day, as the moon goes round."
    )
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert len(parts) > 4
    assert parts[-1].done_reason == "stop" and parts[-1].eval_count


def test_it_streams_unless_told_not_to(llm: MockLLM) -> None:
    answer = httpx.post(f"{llm.base_url}/api/chat", json={"model": "m", "messages": ASKED})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert len(answer.text.splitlines()) > 1
    whole = httpx.post(f"{llm.base_url}/api/chat", json={"model": "m", "messages": ASKED, "stream": False})
    assert whole.headers["content-type"] == "application/json; charset=utf-8"
    assert whole.json()["done"] is True


@pytest.mark.parametrize("stream", [False, True])
def test_an_agent_loop_without_a_script_calls_the_tool_once_and_ends(client: ollama.Client, *, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    if stream:
        said = [part.message for part in client.chat("qwen3", messages, tools=[get_weather], stream=True)]
        message = next(one for one in said if one.tool_calls)
    else:
        message = client.chat("qwen3", messages, tools=[get_weather]).message
    assert message.tool_calls
    [call] = message.tool_calls
    assert call.function.name == "get_weather"
    assert isinstance(call.function.arguments["city"], str)
    messages += [message, {"role": "tool", "tool_name": "get_weather", "content": get_weather("Paris")}]
    answer = client.chat("qwen3", messages, tools=[get_weather])
    assert not answer.message.tool_calls
    assert "Rain in Paris." in (answer.message.content or "")


@pytest.mark.parametrize("stream", [False, True])
def test_a_scripted_loop_calls_what_the_script_says(llm: MockLLM, client: ollama.Client, *, stream: bool) -> None:
    llm.set_response(step=1, tool="get_weather", arguments={"city": "Oslo"})
    llm.set_response(step=2, text="Take an umbrella.")
    messages: list[Any] = [{"role": "user", "content": "Do I need an umbrella?"}]

    def ask() -> ollama.Message:
        if not stream:
            return client.chat("qwen3", messages, tools=[get_weather]).message
        said = [part.message for part in client.chat("qwen3", messages, tools=[get_weather], stream=True)]
        calls = [call for one in said for call in one.tool_calls or ()]
        return ollama.Message(role="assistant", content="".join(one.content or "" for one in said), tool_calls=calls)

    message = ask()
    assert message.tool_calls
    [call] = message.tool_calls
    assert (call.function.name, dict(call.function.arguments)) == ("get_weather", {"city": "Oslo"})
    messages += [message, {"role": "tool", "tool_name": "get_weather", "content": get_weather("Oslo")}]
    assert ask().content == "Take an umbrella."
    llm.assert_all_rules_used()


def test_scripted_calls_match_results_by_name_and_by_order(llm: MockLLM, client: ollama.Client) -> None:
    llm.script([{"when": {"tool_result": {"of": "get_time"}}, "answer": "It is noon."}])
    called: Any = {
        "role": "assistant",
        "tool_calls": [
            {"function": {"name": "get_weather", "arguments": {"city": "Rome"}}},
            {"function": {"name": "get_time", "arguments": {}}},
        ],
    }
    results: Any = [{"role": "tool", "content": "Sun"}, {"role": "tool", "content": "12:00"}]
    assert client.chat("m", [*ASKED, called, *results]).message.content == "It is noon."
    request = llm.calls[-1].request
    assert request is not None


def test_thinking_comes_apart_from_the_answer(llm: MockLLM, client: ollama.Client) -> None:
    llm.script([{"answer": {"blocks": [{"thinking": "The moon."}, {"text": "Twice."}]}}])
    answer = client.chat("qwen3", ASKED, think=True)
    assert (answer.message.thinking, answer.message.content) == ("The moon.", "Twice.")
    parts = list(client.chat("qwen3", ASKED, think=True, stream=True))
    assert "".join(part.message.thinking or "" for part in parts) == "The moon."
    assert client.chat("qwen3", ASKED, think=False).message.thinking is None


def test_structured_output(client: ollama.Client) -> None:
    class City(BaseModel):
        name: str
        people: int

    answer = client.chat("m", ASKED, format=City.model_json_schema())
    City.model_validate_json(answer.message.content or "")
    assert (client.chat("m", ASKED, format="json").message.content or "")[0] == "{"


def test_options_end_an_answer(llm: MockLLM, client: ollama.Client) -> None:
    llm.set_response("one two three four five six")
    short = client.chat("m", ASKED, options={"num_predict": 3})
    assert (short.done_reason, short.eval_count) == ("length", 3)
    assert client.chat("m", ASKED, options={"stop": ["three"]}).message.content == "one two "


def test_generate(llm: MockLLM, client: ollama.Client) -> None:
    llm.set_response("Blue.")
    answer = client.generate("llama3.2", "Why is the sky blue?", system="Be brief.", images=[b"png"])
    assert (answer.response, answer.done_reason) == ("Blue.", "stop")
    assert answer.context
    parts = list(client.generate("llama3.2", "Why?", stream=True))
    assert "".join(part.response or "" for part in parts) == "Blue."
    assert parts[-1].context and not parts[0].context


def test_code_that_fills_a_gap_and_a_prompt_without_a_template(llm: MockLLM, client: ollama.Client) -> None:
    llm.set_response("return a + b")
    filled = client.generate("qwen2.5-coder", "def add(a, b):", suffix="# end", options={"temperature": 0})
    assert filled.response == "return a + b"
    bare = client.generate("llama3.2", "[INST] hi [/INST]", raw=True)
    assert bare.response and bare.context is None
    with pytest.raises(ollama.ResponseError, match="raw mode does not support template, system, or context"):
        client.generate("llama3.2", "hi", raw=True, system="Be brief.")
    with pytest.raises(ollama.ResponseError, match=r"library/llama3.2:latest does not support insert"):
        client.generate("llama3.2", "def add(a, b):", suffix="# end")


def test_pictures_reach_the_request(llm: MockLLM, client: ollama.Client) -> None:
    llm.set_response("A cat.")
    asked: list[Any] = [{"role": "user", "content": "What is this?", "images": [b"\x89PNG"]}]
    assert client.chat("gemma3", asked).message.content == "A cat."
    request = llm.calls[-1].request
    assert request is not None and "iVBORw==" in str(request)


def test_logprobs_spell_the_answer(llm: MockLLM, client: ollama.Client) -> None:
    llm.set_response("Twice a day.")
    answer = client.chat("m", ASKED, logprobs=True, top_logprobs=2)
    assert answer.logprobs is not None
    assert "".join(one.token for one in answer.logprobs) == "Twice a day."
    assert all(len(one.top_logprobs or ()) == 2 for one in answer.logprobs)


def test_without_a_prompt_the_model_is_loaded(llm: MockLLM, client: ollama.Client) -> None:
    llm.set_response("never said")
    assert client.generate("llama3.2").done_reason == "load"
    assert client.chat("llama3.2", keep_alive=0).done_reason == "unload"


def test_similar_texts_have_vectors_that_lie_near(client: ollama.Client) -> None:
    found = client.embed("nomic-embed-text", ["the cat sat on the mat", "a cat sat on a mat", "quarterly tax report"])
    one, near, far = found.embeddings
    assert len(one) == 768
    assert math.isclose(sum(x * x for x in one), 1, rel_tol=1e-3)

    def alike(a: Any, b: Any) -> float:
        return float(sum(x * y for x, y in zip(a, b, strict=True)))

    assert alike(one, near) > 0.5 > alike(one, far)
    assert len(client.embed("m", "x y", dimensions=64).embeddings[0]) == 64
    assert list(client.embeddings("nomic-embed-text", "the cat sat on the mat").embedding) == list(one)


def test_an_error_in_mid_stream_is_raised(llm: MockLLM, client: ollama.Client) -> None:
    llm.set_response("one two three four five six seven eight")
    llm.faults([{"kind": "error_event", "frame": 2, "status": 500}])
    parts = client.chat("m", ASKED, stream=True)
    with pytest.raises(ollama.ResponseError, match="unexpected EOF"):
        list(parts)


def test_an_overloaded_server(llm: MockLLM, client: ollama.Client) -> None:
    llm.faults([{"kind": "status", "status": 503, "times": 1}])
    with pytest.raises(ollama.ResponseError, match="server busy") as refused:
        client.chat("m", ASKED)
    assert refused.value.status_code == 503
    assert client.chat("m", ASKED).done


@pytest.mark.parametrize(
    ("fault", "sees"),
    [
        ({"kind": "missing", "what": "done"}, "no end"),
        ({"kind": "malformed", "frame": 1}, "error"),
        ({"kind": "cut", "frame": 2}, "error"),
        ({"kind": "empty_choices"}, "nothing said"),
        ({"kind": "duplicate"}, "more said"),
    ],
)
def test_what_a_client_sees_of_a_broken_stream(
    llm: MockLLM, client: ollama.Client, fault: dict[str, Any], sees: str
) -> None:
    text = "one two three four five six seven eight"
    llm.set_response(text)
    llm.faults([fault])
    try:
        parts = list(client.chat("m", ASKED, stream=True))
    except (ValueError, httpx.HTTPError):
        assert sees == "error"
        return
    said = "".join(part.message.content or "" for part in parts)
    seen = {"no end": not parts[-1].done and said == text, "nothing said": not said, "more said": len(said) > len(text)}
    assert seen[sees]


def test_the_client_passes_no_cut_off_as_an_answer(llm: MockLLM, client: ollama.Client) -> None:
    llm.set_response("one two three")

    def ask() -> str:
        return "".join(part.message.content or "" for part in client.chat("m", ASKED, stream=True))

    found = sweep(llm, ask, by=("frame", "byte"), every=11)
    found.assert_none_wrong()
    assert len(found.points) > 20
    assert len(found.of("raised")) == len(found.points)


def test_a_tool_call_that_is_not_json_comes_as_text(llm: MockLLM, client: ollama.Client) -> None:
    llm.script([{"answer": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Rome"}}]}}])
    llm.faults([{"kind": "tool_arguments", "how": "not_json"}])
    message = client.chat("m", ASKED, tools=[get_weather]).message
    assert not message.tool_calls
    assert "get_weather" in (message.content or "")
