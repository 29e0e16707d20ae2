"""Rules: matching, sequences, states, templates, errors with their place, lint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mock_llm.clock import EPOCH
from mock_llm.codecs.protocol import ApiError
from mock_llm.completion import Completion, Request, Text, Tool, ToolCall, ToolResult, Turn
from mock_llm.script.decode import ScriptError, rules_from_data
from mock_llm.script.jsonpath import find
from mock_llm.script.lint import lint_file
from mock_llm.script.matchers import Scene
from mock_llm.script.model import Script
from mock_llm.script.when import when_from_data
from mock_llm.script.yaml_file import ScriptFileError, read_script
from mock_llm.seed import Seed


def _request(*turns: Turn, **more: Any) -> Request:
    return Request("openai-chat", more.pop("model", "gpt-4o"), turns, **more)


def _user(text: str) -> Turn:
    return Turn("user", (Text(text),))


CALLED = Turn("assistant", (ToolCall("lookup", "{}", "c1"),))
RESULT = Turn("tool", (ToolResult("c1", '{"order": {"id": 7}}', "lookup"),))


def _answer(script: Script, request: Request) -> Completion | None:
    scene = script.scene(request)
    rule = script.match(scene)
    if rule is None:
        return None
    answer = script.peek(rule)
    script.take(rule)
    return answer.build(scene, Seed(0), EPOCH)


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"text": "HELLO"}, True),
        ({"text": "/h(e)llo$/"}, True),
        ({"text": {"equals": "hello"}}, False),
        ({"any_turn": "first"}, True),
        ({"text": "first"}, False),
        ({"system": "careful"}, True),
        ({"model": "gpt-4o"}, True),
        ({"model": "gpt"}, False),
        ({"tool": "lookup"}, True),
        ({"tool": "look"}, False),
        ({"turn": 0}, True),
        ({"turn": 1}, False),
        ({"header": {"X-Team": "blue"}}, True),
        ({"header": {"X-Other": "blue"}}, False),
        ({"json": {"$.metadata.tier": "gold"}}, True),
        ({"json": {"$.messages[*].role": "/us.r/"}}, True),
        ({"json": {"$.metadata.tier": "silver"}}, False),
        ({"session": "s1"}, True),
        ({"tool_result": True}, False),
        ({"not": {"text": "bye"}}, True),
        ({"any": [{"text": "bye"}, {"turn": 0}]}, True),
        (lambda request: request.model.endswith("4o"), True),
    ],
)
def test_a_condition_holds_or_not_and_says_what_it_saw(when: Any, holds: bool) -> None:
    raw = {"metadata": {"tier": "gold"}, "messages": [{"role": "user"}]}
    request = _request(
        _user("first"),
        _user("say hello"),
        system="Be careful",
        tools=(Tool("lookup"),),
        headers={b"x-team": b"blue"},
        raw=raw,
        session="s1",
    )
    matcher = when_from_data(when)
    scene = Scene(request)
    assert matcher(scene) is holds
    assert bool(matcher.misses(scene)) is not holds


def test_a_tool_result_matches_by_the_call_it_answers_and_only_while_fresh() -> None:
    fresh = Scene(_request(_user("x"), CALLED, RESULT))
    stale = Scene(_request(_user("x"), CALLED, RESULT, Turn("assistant", (Text("ok"),)), _user("y")))
    for when in ({"tool_result": "lookup"}, {"tool_result": {"of": "lookup", "text": "order"}}):
        assert when_from_data(when)(fresh)
        assert not when_from_data(when)(stale)
    assert not when_from_data({"tool_result": "other"})(fresh)


def test_matchers_compose() -> None:
    hello, bye = when_from_data({"text": "hello"}), when_from_data({"text": "bye"})
    scene = Scene(_request(_user("hello")))
    assert (hello & ~bye)(scene)
    assert (bye | hello)(scene)
    assert str(hello & ~bye) == "newest turn contains 'hello' and not newest turn contains 'bye'"


@pytest.mark.parametrize(
    ("then", "expected"),
    [("repeat", ["a", "b", "b", "b"]), ("cycle", ["a", "b", "a", "b"]), ("end", ["a", "b", None, None])],
)
def test_a_sequence_goes_on_as_it_says(then: str, expected: list[str | None]) -> None:
    script = Script(rules_from_data([{"answers": ["a", "b"], "then": then}]))
    found = [_answer(script, _request(_user("x"))) for _ in expected]
    assert [made.first.text if made else None for made in found] == expected


def test_first_two_429_then_the_answer() -> None:
    script = Script(rules_from_data([{"answers": [{"error": 429}, {"error": 429}, "fine"]}]))
    request = _request(_user("x"))
    for _ in range(2):
        with pytest.raises(ApiError) as raised:
            _answer(script, request)
        assert raised.value.status == 429
    made = _answer(script, request)
    assert made is not None
    assert made.first.text == "fine"


def test_a_state_machine_moves_in_its_own_session_only() -> None:
    rules = [
        {"when": {"state": "start"}, "answer": {"text": "name?", "goto": "named"}},
        {"when": {"state": "named"}, "answer": {"text": "hi", "goto": "start"}},
    ]
    server = Script(rules_from_data(rules))
    one, two = server.child(), server.child()
    request = _request(_user("x"))
    texts = [made.first.text for s in (one, one, two, one) if (made := _answer(s, request))]
    assert texts == ["name?", "hi", "name?", "name?"]
    assert server.unused() == []


def test_templates_keep_types_and_reach_into_results_and_groups() -> None:
    rules = [
        {
            "when": {"tool_result": "lookup"},
            "answer": {
                "tool_calls": [
                    {
                        "name": "refund",
                        "arguments": {
                            "order": "{{ tool_result.lookup.json.order.id }}",
                            "why": "user said: {{ user | upper }}",
                            "none": "{{ tool_result.other | default:nothing }}",
                        },
                    }
                ]
            },
        },
        {"when": {"regex": r"order (?P<number>\d+)"}, "answer": "Number {{ match.number }} it is."},
    ]
    script = Script(rules_from_data(rules))
    made = _answer(script, _request(_user("please"), CALLED, RESULT))
    assert made is not None
    assert made.first.calls[0].arguments == '{"order":7,"why":"user said: PLEASE","none":"nothing"}'
    made = _answer(script, _request(_user("order 42")))
    assert made is not None
    assert made.first.text == "Number 42 it is."


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([{"when": {"txt": "x"}, "answer": "y"}], "rules[0].when.txt: unknown condition 'txt'; did you mean 'text'?"),
        ([{"answer": {"tool_calls": [{"nam": "f"}]}}], "rules[0].answer.tool_calls[0]: a tool call is"),
        ([{"answer": "a", "answers": ["b"]}], "rules[0]: give either `answer` or `answers`"),
        ([{"answer": {"error": 200}}], "rules[0].answer.error.status: expected a status from 400"),
        ([{"answer": "a", "then": "stop"}], "rules[0].then: expected repeat, cycle or end"),
        ([{"when": {"regex": "("}, "answer": "a"}], "rules[0].when.regex: '(' is not a regular expression"),
        ([{"answer": {}}], "rules[0].answer: nothing to say"),
    ],
)
def test_a_mistake_is_named_with_its_place(rules: list[Any], problem: str) -> None:
    with pytest.raises(ScriptError) as raised:
        rules_from_data(rules)
    assert str(raised.value).startswith(problem)


def test_a_file_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("rules:\n  - answer: a\n  - when:\n      txt: b\n    answer: c\n")
    with pytest.raises(ScriptFileError, match=r"rules\.yaml:4: .*did you mean 'text'"):
        read_script(path)
    path.write_text("rules:\n  - answer: 'a\n")
    with pytest.raises(ScriptFileError, match=r"rules\.yaml:\d: "):
        read_script(path)


def test_lint_finds_what_can_never_work(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "rules:\n"
        "  - {name: all, answer: a}\n"
        "  - {name: late, when: {text: x}, answer: 'hi {{ nme }}'}\n"
        "faults:\n"
        "  - {kind: latncy}\n"
    )
    problems = [str(problem) for problem in lint_file(path)]
    assert len(problems) == 3
    assert "rules.yaml:3: rule 'late' can never answer: 'all' (line 2) takes all of it first" in problems[0]
    assert "unknown name 'nme'" in problems[1]
    assert "did you mean latency?" in problems[2]
    assert lint_file(tmp_path / "absent.yaml")[0].text.startswith("cannot be read")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a.b[1]", [2]),
        ("$.a.b[*]", [1, 2]),
        ("$..c", [3, 4]),
        ("$['a']['b'][-1]", [2]),
        ("$.nothing", []),
        ("a.b[0]", [1]),
    ],
)
def test_jsonpath(path: str, found: list[int]) -> None:
    assert find({"a": {"b": [1, 2], "c": 3}, "d": [{"c": 4}]}, path) == found
