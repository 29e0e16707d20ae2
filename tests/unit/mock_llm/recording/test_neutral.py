"""Which differences between two requests count."""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.codecs import Call, discover
from mock_llm.completion import Request
from mock_llm.recording.neutral import compared, data_of

CODECS = {codec.name: codec for codec in discover()}
SCHEMA: Any = {"type": "object", "properties": {"q": {"type": "string"}}}


def _data(codec: str, body: Any) -> dict[str, Any]:
    call = Call(method="POST", path="/", headers={}, body=orjson.dumps(body), json=body)
    request = CODECS[codec].parse(call)
    assert isinstance(request, Request)
    return data_of(request)


def _claude(ident: str = "toolu_1", thought: str = "Hm.", **more: Any) -> dict[str, Any]:
    said = [
        {"type": "thinking", "thinking": thought, "signature": "s"},
        {"type": "tool_use", "id": ident, "name": "search", "input": {"q": "x"}},
    ]
    result = {"type": "tool_result", "tool_use_id": ident, "content": "found"}
    messages = [
        {"role": "user", "content": "Look"},
        {"role": "assistant", "content": said},
        {"role": "user", "content": [result]},
    ]
    tools = [{"name": "search", "input_schema": SCHEMA}]
    return _data("anthropic", {"model": "m", "max_tokens": 9, "messages": messages, "tools": tools, **more})


def _chat(arguments: str = '{"q": "x"}') -> dict[str, Any]:
    call = {"id": "call_9", "type": "function", "function": {"name": "search", "arguments": arguments}}
    messages = [
        {"role": "user", "content": "Look"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_9", "content": "found"},
    ]
    tools = [{"type": "function", "function": {"name": "search", "parameters": SCHEMA}}]
    return _data("openai-chat", {"model": "gpt", "messages": messages, "tools": tools})


def test_a_conversation_reads_as_a_flat_list() -> None:
    assert _claude()["messages"] == [
        {"user": "Look"},
        {"thinking": "Hm."},
        {"tool_call": {"name": "search", "arguments": {"q": "x"}, "id": "toolu_1"}},
        {"tool_result": {"name": "search", "text": "found", "id": "toolu_1"}},
    ]


def test_ids_of_calls_and_thoughts_do_not_count() -> None:
    assert compared(_claude()) == compared(_claude("toolu_2", "Well."))


def test_spacing_of_arguments_does_not_count_and_their_content_does() -> None:
    assert compared(_chat()) == compared(_chat('{"q":"x"}'))
    assert compared(_chat()) != compared(_chat('{"q": "y"}'))
    assert compared(_chat("not json")) != compared(_chat())


def test_two_protocols_say_the_same_conversation() -> None:
    assert compared(_claude(), across=True) == compared(_chat(), across=True)
    assert compared(_claude()) != compared(_chat())


def test_parameters_and_hosted_tools_count_within_a_protocol_only() -> None:
    hosted = {"type": "web_search_20250305", "name": "web_search"}
    search = {"name": "search", "input_schema": SCHEMA}
    for other in (_claude(top_k=5), _claude(tools=[search, hosted])):
        assert compared(_claude()) != compared(other)
        assert compared(_claude(), across=True) == compared(other, across=True)
    assert _claude(tools=[search, hosted])["params"]["hosted_tools"] == [hosted]


def test_an_image_is_kept_as_its_digest() -> None:
    def asked(data: str) -> dict[str, Any]:
        url = f"data:image/png;base64,{data}"
        parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
        return _data("openai-chat", {"model": "m", "messages": [{"role": "user", "content": parts}]})

    shown = asked("aGVsbG8=" * 1000)
    assert len(orjson.dumps(shown)) < 300
    assert compared(shown) != compared(asked("b3RoZXI="))
