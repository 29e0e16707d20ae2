"""Gemini's requests: what is read of them, and what is refused in which words."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_llm.codecs._gemini_messages import MESSAGES, message
from mock_llm.codecs.gemini import CODEC
from mock_llm.codecs.protocol import ApiError, Call
from mock_llm.completion import Media, Request, Text, Thinking, ToolCall, ToolResult, Turn

HI: dict[str, Any] = {"role": "user", "parts": [{"text": "hi"}]}
ASKED = {"role": "model", "parts": [{"functionCall": {"id": "1", "name": "f", "args": {"a": 1}}}]}
ANSWERED = {"role": "user", "parts": [{"functionResponse": {"id": "1", "name": "f", "response": {"result": "one"}}}]}


def call(model: str = "gemini-2.5-flash", method: str = "generateContent", **body: Any) -> Call:
    path = f"/v1beta/models/{model}:{method}"
    return Call(
        method="POST",
        path=path,
        headers={},
        json={"contents": [HI], **body},
        body=orjson.dumps(body),
        params={"model": model},
    )


def read(model: str = "gemini-2.5-flash", **body: Any) -> Request:
    return CODEC.parse(call(model, **body))


def refused(model: str = "gemini-2.5-flash", **body: Any) -> str:
    with pytest.raises(ApiError) as error:
        CODEC.parse(call(model, **body))
    assert error.value.status == 400
    said = orjson.loads(CODEC.error(error.value, call(model)).body)["error"]
    assert said["status"] == "INVALID_ARGUMENT"
    return str(said["message"])


def test_the_path_says_whether_it_streams() -> None:
    assert not CODEC.parse(call()).stream
    assert CODEC.parse(call(method="streamGenerateContent")).stream


def test_fields_go_by_either_spelling_and_one_value_stands_for_a_list() -> None:
    config = {"stop_sequences": ["x"], "max_output_tokens": "7", "candidate_count": 2}
    one = read(system_instruction={"parts": {"text": "Be brief."}}, generation_config=config)
    two = read(
        systemInstruction={"parts": [{"text": "Be brief."}]},
        generationConfig={"stopSequences": "x", "maxOutputTokens": 7, "candidateCount": 2.0},
    )
    assert (one.params, one.system) == (two.params, two.system)
    assert (one.params.stop, one.params.max_tokens, one.params.n, one.system) == (("x",), 7, 2, "Be brief.")


def test_a_conversation() -> None:
    seen = {"parts": [{"text": "Look."}, {"inline_data": {"mime_type": "image/png", "data": "iVBO"}}]}
    thought = {"role": "model", "parts": [{"text": "Hm.", "thought": True}, *ASKED["parts"]]}
    user, assistant, tool = read(contents=[seen, thought, ANSWERED]).turns
    assert user.blocks[0] == Text("Look.")
    assert isinstance(user.blocks[1], Media) and user.blocks[1].kind == "image"
    assert assistant == Turn("assistant", (Thinking("Hm."), ToolCall("f", '{"a":1}', "1")))
    assert tool == Turn("tool", (ToolResult("1", "one", "f"),))


def test_responses_without_ids_belong_to_the_calls_of_their_names() -> None:
    calls = {"role": "model", "parts": [{"functionCall": {"name": name}} for name in ("f", "g")]}
    results = {"parts": [{"functionResponse": {"name": name, "response": {"output": name}}} for name in ("g", "f")]}
    request = read(contents=[HI, calls, results])
    ids = {made.name: made.id for made in request.tool_calls()}
    assert {result.name: (result.call_id, result.text) for result in request.tool_results()} == {
        "f": (ids["f"], "f"),
        "g": (ids["g"], "g"),
    }
    other = {"parts": [{"functionResponse": {"name": "h", "response": {}}}]}
    [result] = read(contents=[HI, ASKED, other]).tool_results()
    assert result.name == "f"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"contents": []}, "contents is not specified"),
        ({"contents": "hi"}, "Invalid value at 'contents' (type.googleapis.com/google.ai.generativelanguage.v1beta.C"),
        ({"contents": [{"parts": ["hi"]}]}, "Invalid value at 'contents[0].parts[0]' (type.googleapis.com"),
        ({"contents": [{"parts": [{"text": 5}]}]}, "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5"),
        (
            {"contents": [{"parts": [{"text": "a", "functionCall": {"name": "f"}}]}]},
            "oneof field 'data' is already set. Cannot set 'function_call'",
        ),
        ({"contents": [HI, ASKED]}, "number of function response parts is equal to the number of function call parts"),
        ({"contents": [ASKED, ANSWERED]}, "function call turn comes immediately after a user turn"),
        ({"contents": [HI, ANSWERED]}, "function response turn comes immediately after a function call turn"),
        ({"generationConfig": {"temperature": "hot"}}, "at 'generation_config.temperature' (TYPE_FLOAT), \"hot\""),
        ({"generationConfig": {"temperature": 3}}, "must be in the range [0.0, 2.0]"),
        ({"generationConfig": {"maxOutputTokens": 1.5}}, "max_output_tokens' (TYPE_INT32), 1.5"),
        ({"generationConfig": {"stopSequences": list("abcdef")}}, "at most 5"),
        ({"generationConfig": {"responseSchema": {"type": "STRING"}}}, "response_mime_type: must be"),
        (
            {"generationConfig": {"thinkingConfig": {"budget": 1}}},
            "at 'generation_config.thinking_config': Cannot find",
        ),
        ({"systemInstruction": "Be brief."}, "Invalid value at 'system_instruction'"),
        ({"tools": [{"functionDeclarations": 3}]}, "at 'tools[0].function_declarations'"),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "object", "oneOf": []}}]}]},
            "Unknown name \"oneOf\" at 'tools[0].function_declarations[0].parameters': Cannot find field.",
        ),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "TEXT"}}]}]},
            'v1beta.Type), "TEXT"',
        ),
        ({"tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]}, "Duplicate function declaration"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "SOME"}}}, 'function_calling_config.mode\', "SOME"'),
        ({"tool_config": {"function_calling_config": {"allowed_function_names": ["f"]}}}, "mode is ANY or VALIDATED"),
    ],
)
def test_what_is_wrong_is_refused_where_it_is(body: dict[str, Any], says: str) -> None:
    assert says in refused(**body)


def test_a_schema_of_gemini_becomes_json_schema() -> None:
    city = {"type": "STRING", "nullable": True, "minLength": "2"}
    more = {"type": "OBJECT", "additional_properties": {"type": "INTEGER"}}
    parameters = {"type": "OBJECT", "properties": {"city": city, "more": more}, "required": ["city"]}
    [tool] = read(tools=[{"functionDeclarations": [{"name": "f", "parameters": parameters}]}]).tools
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": ["string", "null"], "minLength": 2},
            "more": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
        "required": ["city"],
    }


def test_gemini_3_wants_the_signature_of_its_calls_back() -> None:
    signed = {"role": "model", "parts": [{**ASKED["parts"][0], "thoughtSignature": "c2ln"}]}  # type: ignore[dict-item]
    said = refused("gemini-3.5-flash", contents=[HI, ASKED, ANSWERED])
    assert said.startswith("Function call is missing a thought_signature in functionCall parts.")
    assert "function call `default_api:f` , position 2." in said
    assert read("gemini-3.5-flash", contents=[HI, signed, ANSWERED]).turns
    assert "position 4" in refused("gemini-3.5-flash", contents=[HI, signed, ANSWERED, ASKED, ANSWERED])
    # Turns that are over, and models before it, go without.
    assert read("gemini-3.5-flash", contents=[HI, ASKED, ANSWERED, HI]).turns
    assert read("gemini-2.5-flash", contents=[HI, ASKED, ANSWERED]).turns


def test_of_calls_beside_each_other_only_the_first_is_signed() -> None:
    first = {**ASKED["parts"][0], "thoughtSignature": "c2ln"}  # type: ignore[dict-item]
    second = {"functionCall": {"id": "2", "name": "g"}}
    results = {"parts": [*ANSWERED["parts"], {"functionResponse": {"id": "2", "name": "g", "response": {}}}]}
    together = {"role": "model", "parts": [first, second]}
    pieces = [{"role": "model", "parts": [first]}, {"role": "model", "parts": [second]}]  # as they were streamed
    for calls in ([together], pieces):
        assert len(list(read("gemini-3.5-flash", contents=[HI, *calls, results]).tool_calls())) == 2


calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines differ
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "x", "5", "OBJECT"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted({f for m in MESSAGES.values() for f in m})), inner, max_size=3)
    ),
    max_leaves=12,
)


@calm
@given(
    st.dictionaries(st.sampled_from(sorted({*MESSAGES["GenerateContentRequest"]} - {"model"})), anything, max_size=4)
)
def test_any_body_is_read_or_refused(body: dict[str, Any]) -> None:
    try:
        request = read(**body)
    except ApiError as error:
        said = orjson.loads(CODEC.error(error, call()).body)["error"]
    else:
        said = {"code": 400, "message": request.turns}
    assert said["code"] == 400 and said["message"]


@calm
@given(st.sampled_from(sorted(MESSAGES)), anything)
def test_a_checked_message_checks_as_itself(name: str, raw: Any) -> None:
    try:
        made = message(raw, name)
    except ApiError:
        return
    assert message(made, name) == made
