"""Reading a recording; every error names the file, the line, and what to do about it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from mock_llm.recording.layout import VERSION
from mock_llm.recording.tape import Answered, Asked, Piece, Recorded
from mock_llm.script.yaml_file import Problem, line_of

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # many times as fast, where libyaml is there
_CONTENT = ("json", "text", "base64")
_NEUTRAL = ("protocol", "model", "stream", "system", "messages", "tools", "tool_choice", "output", "params")


class RecordingError(ValueError):
    """A file that is no recording, or a damaged one; the text is `file:line: problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds: exchanges in the order in which their requests arrived."""

    path: Path
    upstream: str
    exchanges: tuple[Recorded, ...]


def read_recording(path: Path) -> Recording:
    """The recording in a file. Raises RecordingError; OSError where it cannot be read."""
    return _Reader(path).read()


def is_recording(text: str) -> bool:
    """Whether a YAML text says of itself that it is a recording, rather than rules."""
    return any(line.startswith("recording:") for line in text.splitlines())


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._node: Any = None

    def read(self) -> Recording:
        try:
            text = self._path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise self._wrong("", "is not UTF-8 text; recordings are made by `mock-llm record`") from None
        data = self._load(text)
        if not isinstance(data, dict) or "recording" not in data:
            raise self._wrong("", "is no recording: it needs `recording: 1` and `exchanges:` with a list")
        if data["recording"] != VERSION:
            raise self._wrong("recording", f"is of version {data['recording']!r}, this is {VERSION}: record it again")
        listed = data.get("exchanges") or []
        if not isinstance(listed, list):
            raise self._wrong("exchanges", "`exchanges` must be a list, each entry with `request` and `response`")
        found = [self._exchange(item, f"exchanges[{i}]") for i, item in enumerate(listed)]
        seen: dict[int, Recorded] = {}
        for index, one in enumerate(found):
            if one.number in seen:
                first = seen[one.number].line
                raise self._wrong(
                    f"exchanges[{index}]", f"a second exchange {one.number}, the first is at line {first}: renumber it"
                )
            seen[one.number] = one
        found.sort(key=lambda one: one.number)
        return Recording(self._path, str(data.get("upstream") or ""), tuple(found))

    def _load(self, text: str) -> Any:
        loader = _LOADER(text)
        try:
            self._node = loader.get_single_node()
            return loader.construct_document(self._node) if self._node is not None else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            problem = " ".join(part for part in (error.context, error.problem) if part)
            line = min(mark.line, text.count("\n")) + 1 if mark else 1
            hint = "mend it, or delete from the start of this exchange and record again"
            raise RecordingError(Problem(str(self._path), line, f"is not YAML: {problem}; {hint}")) from None
        except yaml.YAMLError as error:
            raise RecordingError(Problem(str(self._path), 1, f"is not YAML: {error}")) from None
        finally:
            loader.dispose()

    def _wrong(self, where: str, text: str) -> RecordingError:
        line = line_of(self._node, where) if self._node is not None else 1
        return RecordingError(Problem(str(self._path), line, f"{where}: {text}" if where else text))

    def _need(self, data: Any, name: str, kind: type | tuple[type, ...], where: str, example: str) -> Any:
        if not isinstance(data, dict):
            raise self._wrong(where, f"expected an object with `{name}: {example}`")
        value = data.get(name)
        if name not in data or not isinstance(value, kind) or isinstance(value, bool):
            what = "is missing" if name not in data else f"is {value!r}"
            raise self._wrong(
                f"{where}.{name}" if name in data else where, f"`{name}` {what}; write `{name}: {example}`"
            )
        return value

    def _exchange(self, item: Any, where: str) -> Recorded:
        number = self._need(item, "exchange", int, where, "1")
        asked = self._asked(self._need(item, "request", dict, where, "{method: POST, path: ...}"), f"{where}.request")
        answer = self._need(item, "response", dict, where, "{status: 200, ...}")
        answered = self._answered(answer, f"{where}.response")
        return Recorded(number, asked, answered, str(item.get("session", "default")), line_of(self._node, where))

    def _asked(self, data: dict[str, Any], where: str) -> Asked:
        method = self._need(data, "method", str, where, "POST")
        path = self._need(data, "path", str, where, "/v1/chat/completions")
        neutral: dict[str, Any] | None = None
        if "protocol" in data:
            self._need(data, "protocol", str, where, "openai-chat")
            self._need(data, "model", str, where, "gpt-4o")
            for entry, place in self._entries(data, "messages", where):
                if not isinstance(entry, dict) or not entry:
                    raise self._wrong(place, "expected one such as `user: text` or `tool_call: {name: ...}`")
            for tool, place in self._entries(data, "tools", where):
                self._need(tool, "name", str, place, "search")
            neutral = {name: data[name] for name in _NEUTRAL if name in data}
        body = self._content(data, where) if neutral is None and any(k in data for k in _CONTENT) else b""
        return Asked(method, path, str(data.get("query") or ""), self._headers(data, where), neutral, body)

    def _entries(self, data: dict[str, Any], name: str, where: str) -> Iterator[tuple[Any, str]]:
        listed = data.get(name)
        listed = [] if listed is None else listed
        if not isinstance(listed, list):
            raise self._wrong(f"{where}.{name}", f"`{name}` must be a list")
        yield from ((item, f"{where}.{name}[{i}]") for i, item in enumerate(listed))

    def _answered(self, data: dict[str, Any], where: str) -> Answered:
        status = self._need(data, "status", int, where, "200")
        if not 100 <= status <= 599:
            raise self._wrong(f"{where}.status", f"{status} is no HTTP status; write the one that was answered")
        headers = tuple((name, str(value)) for name, value in self._headers(data, where).items())
        broken = self._time(data, "broken_at", where) if "broken_at" in data else None
        if "frames" not in data:
            body = self._content(data, where)
            return Answered(status, headers, (Piece(self._time(data, "at", where), body),), False, broken)
        pieces: list[Piece] = []
        for frame, place in self._entries(data, "frames", where):
            if not isinstance(frame, dict):
                raise self._wrong(place, "expected a frame such as `{at: 12.5, text: ...}`")
            pieces.append(Piece(self._time(frame, "at", place), self._content(frame, place)))
            if len(pieces) > 1 and pieces[-1].at < pieces[-2].at:
                raise self._wrong(
                    f"{place}.at", f"{pieces[-1].at} is before the frame above it: times count from the request"
                )
        return Answered(status, headers, tuple(pieces), True, broken)

    def _headers(self, data: dict[str, Any], where: str) -> Mapping[str, str]:
        headers = data.get("headers") or {}
        if not isinstance(headers, dict):
            raise self._wrong(f"{where}.headers", "`headers` must be an object of names and values")
        return {str(name).lower(): str(value) for name, value in headers.items()}

    def _time(self, data: dict[str, Any], name: str, where: str) -> float:
        value = data.get(name, 0.0)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e12:
            raise self._wrong(f"{where}.{name}", f"{value!r} is no time; write milliseconds since the request")
        return float(value)

    def _content(self, data: dict[str, Any], where: str) -> bytes:
        given = [name for name in _CONTENT if name in data]
        if len(given) != 1:
            found = "has none" if not given else f"has {' and '.join(given)}"
            raise self._wrong(where, f"{found}: it needs exactly one of `json`, `text`, `base64`")
        value = data[given[0]]
        place = f"{where}.{given[0]}"
        if given[0] == "json":
            try:
                return orjson.dumps(value)
            except (TypeError, orjson.JSONEncodeError):
                raise self._wrong(place, "holds what JSON cannot say (a date?): put it in quotes") from None
        if not isinstance(value, str):
            raise self._wrong(place, f"is {value!r}, which is no text: put it in quotes")
        if given[0] == "text":
            return value.encode()
        try:
            return base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error):
            raise self._wrong(place, "is no base64: record this exchange again") from None
