"""Ollama's requests: what is read of them, and what is refused in which words."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mock_llm.codecs._ollama import error_reply
from mock_llm.codecs.ollama import CODEC
from mock_llm.codecs.protocol import ApiError, Call, Reply
from mock_llm.completion import (
    Media,
    Request,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)

HI = {"role": "user", "content": "hi"}
PNG = "iVBORw0KGgo="


def call(path: str = "/api/chat", **body: Any) -> Call:
    return Call(method="POST", path=path, headers={}, json={"model": "m", **body})


def read(path: str = "/api/chat", **body: Any) -> Request:
    found = CODEC.parse(call(path, **body))
    assert isinstance(found, Request)
    return found


def refused(path: str = "/api/chat", **body: Any) -> tuple[int, str]:
    with pytest.raises(ApiError) as error:
        CODEC.parse(call(path, **body))
    return error.value.status, error.value.message


def test_it_streams_unless_told_not_to() -> None:
    assert read(messages=[HI]).stream
    assert read(messages=[HI], stream=None).stream
    assert not read(messages=[HI], stream=False).stream


def test_a_conversation() -> None:
    request = read(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "USER", "content": "Where?", "images": [PNG]},
            {
                "role": "assistant",
                "content": "",
                "thinking": "Hm.",
                "tool_calls": [
                    {"function": {"name": "one", "arguments": {"a": 1}}},
                    {"id": "mine", "function": {"name": "two"}},
                ],
            },
            {"role": "tool", "tool_name": "two", "content": "2"},
            {"role": "tool", "content": "1"},
            {"role": "tool", "tool_name": "three", "content": "3"},
        ]
    )
    assert request.system == "Be brief."
    assert request.turns == (
        Turn("user", (Text("Where?"), Media("image", PNG))),
        Turn("assistant", (Thinking("Hm."), ToolCall("one", '{"a":1}', "call_2_0"), ToolCall("two", "{}", "mine"))),
        Turn("tool", (ToolResult("mine", "2", "two"),)),
        Turn("tool", (ToolResult("call_2_0", "1", "one"),)),
        Turn("tool", (ToolResult("", "3", "three"),)),
    )


def test_tools_options_and_format() -> None:
    schema = {"type": "object"}
    request = read(
        messages=[HI],
        tools=[{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": schema}}],
        options={"num_predict": 7, "stop": ["END"], "temperature": 0, "mystery": []},
        format=schema,
        think="high",
    )
    assert [(tool.name, tool.description, tool.parameters) for tool in request.tools] == [("look", "Looks.", schema)]
    params = request.params
    assert (params.max_tokens, params.stop, params.temperature) == (7, ("END",), 0)
    assert (params.output, params.schema, params.thinking) == ("json_schema", schema, True)
    assert read(messages=[HI], format="json").params.output == "json_object"
    assert read(messages=[HI], format="").params.output == "text"
    assert read(messages=[HI], options={"num_predict": -1}).params.max_tokens is None


def test_a_prompt_is_one_turn() -> None:
    request = read("/api/generate", prompt="Why?", system="Be brief.", images=[PNG], suffix="!")
    assert request.system == "Be brief."
    assert request.turns == (Turn("user", (Text("Why?"), Media("image", PNG))),)
    assert request.raw["suffix"] == "!"


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/api/chat", {}, "load"),
        ("/api/chat", {"messages": []}, "load"),
        ("/api/chat", {"keep_alive": "0m"}, "unload"),
        ("/api/generate", {"prompt": ""}, "load"),
        ("/api/generate", {"system": "Be brief."}, "load"),
        ("/api/generate", {"keep_alive": 0}, "unload"),
    ],
)
def test_without_words_it_loads_or_unloads(path: str, body: dict[str, Any], why: str) -> None:
    found = CODEC.parse(call(path, **body))
    assert isinstance(found, Reply)
    said = orjson.loads(found.body)
    assert (said["done"], said["done_reason"]) == (True, why)
    assert "response" in said if path == "/api/generate" else said["message"]["content"] == ""


def test_a_message_of_the_system_alone_is_a_conversation() -> None:
    assert read(messages=[{"role": "system", "content": ""}]).turns == ()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"messages": "hi"}, "string into Go struct field ChatRequest.messages of type []api.Message"),
        ({"messages": ["hi"]}, "string into Go struct field ChatRequest.messages of type api.Message"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
            "array into Go struct field ChatRequest.messages.content of type string",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]}]},
            "string into Go struct field ChatRequest.messages.tool_calls.function.arguments "
            "of type api.ToolCallFunctionArguments",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": {"function": {}}}]},
            "object into Go struct field ChatRequest.messages.tool_calls of type []api.ToolCall",
        ),
        ({"messages": [HI], "tools": ["a"]}, "string into Go struct field ChatRequest.tools of type api.Tool"),
        ({"messages": [HI], "stream": "no"}, "string into Go struct field ChatRequest.stream of type bool"),
        ({"messages": [HI], "options": []}, "array into Go struct field ChatRequest.options of type"),
        ({"messages": [HI], "model": 7}, "number into Go struct field ChatRequest.model of type string"),
    ],
)
def test_types_as_gos_decoder_words_it(body: dict[str, Any], says: str) -> None:
    status, message = refused(**body)
    assert status == 400
    assert message.startswith(f"json: cannot unmarshal {says}")


@pytest.mark.parametrize(
    ("image", "at"),
    [("data:image/png;base64,iVBO", 4), ("/tmp/cat.png", 8), ("abcde", 4), ("ab=c", 2), ("a b=", 1)],
)
def test_a_picture_that_is_not_base64(image: str, at: int) -> None:
    message = f"illegal base64 data at input byte {at}"
    assert refused(messages=[{**HI, "images": [image]}]) == (400, message)
    assert refused("/api/generate", prompt="hi", images=[image]) == (400, message)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"think": "hard"}, 400, 'invalid think value: "hard"'),
        ({"think": 3}, 400, "think must be a boolean or string"),
        ({"top_logprobs": 21}, 400, "top_logprobs must be between 0 and 20"),
        ({"keep_alive": "soon"}, 400, 'time: invalid duration "soon"'),
        ({"format": "xml"}, 500, r'invalid format: "\"xml\""; expected "json" or a valid JSON Schema object'),
        ({"options": {"num_predict": "7"}}, 500, 'option "num_predict" must be of type integer'),
        ({"options": {"seed": True}}, 500, 'option "seed" must be of type integer'),
        ({"options": {"top_p": "1"}}, 500, 'option "top_p" must be of type float32'),
        ({"options": {"stop": "END"}}, 500, 'option "stop" must be of type array'),
        ({"options": {"stop": [1]}}, 500, 'option "stop" must be of an array of strings'),
        ({"options": {"use_mmap": 1}}, 500, 'option "use_mmap" must be of type boolean'),
    ],
)
def test_settings(body: dict[str, Any], status: int, says: str) -> None:
    found = refused(messages=[HI], **body)
    assert found[0] == status
    assert found[1].startswith(says)


def test_a_model_must_be_named() -> None:
    assert refused(model="", messages=[HI]) == (400, "model is required")
    assert refused(model=None, name="m", messages=[HI]) == (400, "model is required")
    assert refused("/api/generate", model="", prompt="hi") == (404, "model '' not found")


@pytest.mark.parametrize("more", [{"system": "s"}, {"template": "t"}, {"context": [1]}])
def test_raw_takes_nothing_that_makes_a_prompt(more: dict[str, Any]) -> None:
    expected = (400, "raw mode does not support template, system, or context")
    assert refused("/api/generate", prompt="hi", raw=True, **more) == expected
    assert read("/api/generate", prompt="hi", raw=False, **more).turns


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "unexpected EOF"),
        (b'{"model": "m', "unexpected EOF"),
        (b'{"model":}', "invalid character '}' looking for beginning of value"),
        (b"\xff", "invalid character in string literal"),
    ],
)
def test_what_is_no_json(body: bytes, says: str) -> None:
    made = Call(method="POST", path="/api/chat", headers={}, body=body)
    reply = error_reply(ApiError(400, "no JSON", code="invalid_json"), made)
    assert (reply.status, orjson.loads(reply.body)) == (400, {"error": says})
