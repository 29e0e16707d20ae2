"""What is written is read again, byte for byte; what is damaged is named with its place."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_llm.recording import RecordingError, read_recording
from mock_llm.recording.tape import Answered, Asked, Piece, Recorded
from mock_llm.recording.write import Writer

TEXT = st.text(st.sampled_from("ab 01:#-|>'\"{}[]\n\r\t\x85\u2028\ufeff\x00é🦔.&*!%@`~?,"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.binary(max_size=20) | TEXT.map(str.encode) | JSON.map(orjson.dumps)
TIMES = st.lists(st.floats(0, 1e6), max_size=4).map(sorted)


@st.composite
def _answers(draw: st.DrawFn) -> Answered:
    headers = tuple(
        draw(st.dictionaries(st.sampled_from(("content-type", "x-a")), st.text("az;= \"':", min_size=1))).items()
    )
    broken = draw(st.none() | st.floats(0, 1e6))
    if draw(st.booleans()):
        pieces = tuple(Piece(at, draw(BODIES)) for at in draw(TIMES))
        return Answered(draw(st.integers(100, 599)), headers, pieces, True, broken)
    return Answered(200, headers, (Piece(draw(st.floats(0, 1e6)), draw(BODIES)),), False, broken)


NEUTRAL = st.fixed_dictionaries(
    {
        "protocol": st.just("openai-chat"),
        "model": TEXT,
        "messages": st.lists(st.fixed_dictionaries({"user": TEXT}), max_size=3),
    },
    optional={"system": TEXT, "tools": st.lists(st.fixed_dictionaries({"name": TEXT, "parameters": JSON}), max_size=2)},
)
ASKED = st.builds(lambda neutral: Asked("POST", "/v1/x", neutral=neutral), NEUTRAL) | st.builds(
    lambda path, body: Asked("PUT", path, body=body), TEXT, BODIES
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(ASKED, _answers(), TEXT.filter(bool)), max_size=3))
def test_whatever_is_written_is_read_again(tmp_path: Path, parts: list[tuple[Asked, Answered, str]]) -> None:
    writer = Writer(tmp_path / "r.yaml", "http://u", 0.0, "overwrite")
    written = [Recorded(i, asked, answered, session) for i, (asked, answered, session) in enumerate(parts, 1)]
    for one in written:
        writer.add(one)
    read = read_recording(tmp_path / "r.yaml").exchanges
    assert [(r.number, r.asked, r.answered, r.session) for r in read] == [
        (w.number, w.asked, w.answered, w.session) for w in written
    ]


def test_several_lines_are_a_block_and_compact_json_a_tree(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r.yaml", "http://u", 0.0)
    asked = Asked("POST", "/v1/x", neutral={"protocol": "p", "model": "m", "messages": [{"user": "one\ntwo"}]})
    writer.add(Recorded(1, asked, Answered(200, (), (Piece(1.5, b'{"a":[1,2]}'),))))
    text = (tmp_path / "r.yaml").read_text()
    assert "    - user: |-\n        one\n        two\n" in text
    assert "    at: 1.5\n    json:\n      a:\n      - 1\n      - 2\n" in text


def test_exchanges_are_in_the_order_of_their_requests_not_of_their_ends(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r.yaml", "http://u", 0.0)
    for number in (2, 1):
        writer.add(Recorded(number, Asked("GET", "/x"), Answered(200, (), (Piece(0.0, b""),))))
    assert [one.number for one in read_recording(tmp_path / "r.yaml").exchanges] == [1, 2]


def test_a_write_that_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path / "r.yaml", "http://u", 0.0)
    one = Recorded(1, Asked("GET", "/x"), Answered(200, (), (Piece(0.0, b"abc"),)))
    writer.add(one)
    before = (tmp_path / "r.yaml").read_bytes()
    real, calls = os.write, iter([10])

    def write(file: int, data: bytes) -> int:
        size = next(calls, None)
        if size is None:
            raise OSError(28, "No space left on device")
        return real(file, data[:size])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space left"):
        writer.add(one)
    monkeypatch.undo()
    assert (tmp_path / "r.yaml").read_bytes() == before
    assert writer.count == 1


GOOD: Any = {
    "recording": 1,
    "exchanges": [
        {
            "exchange": 1,
            "request": {"method": "POST", "path": "/v1/x", "protocol": "p", "model": "m", "messages": []},
            "response": {"status": 200, "frames": [{"at": 1.0, "text": "a"}, {"at": 2.0, "text": "b"}]},
        }
    ],
}


def _set(data: Any, path: str, value: Any) -> None:
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in way:
        data = data[part]
    if value is ...:
        del data[last]
    else:
        data[last] = value


@pytest.mark.parametrize(
    ("path", "value", "line", "says"),
    [
        ("recording", 9, 1, "recording: is of version 9, this is 1: record it again"),
        ("recording", ..., 1, "is no recording: it needs `recording: 1`"),
        ("exchanges", "x", 2, "`exchanges` must be a list"),
        ("exchanges/0/exchange", ..., 3, "`exchange` is missing; write `exchange: 1`"),
        ("exchanges/0/request/method", 5, 5, "`method` is 5; write `method: POST`"),
        ("exchanges/0/request/model", ..., 4, "`model` is missing; write `model: gpt-4o`"),
        ("exchanges/0/request/messages", [5], 10, "expected one such as `user: text`"),
        ("exchanges/0/request/headers", [5], 10, "`headers` must be an object of names and values"),
        ("exchanges/0/response", ..., 3, "`response` is missing; write `response: {status: 200, ...}`"),
        ("exchanges/0/response/status", 9000, 11, "9000 is no HTTP status"),
        ("exchanges/0/response/frames", {}, 12, "`frames` must be a list"),
        ("exchanges/0/response/frames/0/at", -1, 13, "-1 is no time; write milliseconds since the request"),
        ("exchanges/0/response/frames/1/at", 0.5, 15, "0.5 is before the frame above it"),
        ("exchanges/0/response/frames/0/text", ..., 13, "has none: it needs exactly one of `json`, `text`, `base64`"),
        ("exchanges/0/response/frames/0/base64", "QQ==", 13, "has text and base64"),
        ("exchanges/0/response/frames/0/text", 5, 14, "is 5, which is no text: put it in quotes"),
        ("exchanges/0/response/frames/0", {"base64": "?"}, 13, "is no base64: record this exchange again"),
    ],
)
def test_damage_is_named_with_file_line_and_what_to_do(
    tmp_path: Path, path: str, value: Any, line: int, says: str
) -> None:
    data = copy.deepcopy(GOOD)
    _set(data, path, value)
    file = tmp_path / "r.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False))
    with pytest.raises(RecordingError) as raised:
        read_recording(file)
    assert str(raised.value).startswith(f"{file}:{line}: "), f"{raised.value}\n{file.read_text()}"
    assert says in str(raised.value)


def test_two_exchanges_of_one_number_and_a_torn_end_are_damage(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(yaml.safe_dump({**GOOD, "exchanges": GOOD["exchanges"] * 2}, sort_keys=False))
    with pytest.raises(RecordingError, match="a second exchange 1, the first is at line 3: renumber it"):
        read_recording(file)
    torn = yaml.safe_dump(GOOD, sort_keys=False) + "- exchange: 2\n  request: {method: 'PO"
    file.write_text(torn)
    with pytest.raises(RecordingError, match=r": is not YAML: .*; mend it, or delete from the start") as raised:
        read_recording(file)
    assert raised.value.problem.line == len(torn.splitlines())
