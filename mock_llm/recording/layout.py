"""How a recording looks in YAML: texts of several lines as blocks, JSON as a tree where its bytes allow it."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import yaml

from mock_llm.recording.tape import Asked, Recorded

VERSION = 1
_BREAKS = ("\x85", "\u2028", "\u2029", "\ufeff")  # YAML would read these as other line breaks, or not at all


class _Dumper(yaml.SafeDumper):
    """No anchors; blocks for texts of several lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if any(mark in text for mark in _BREAKS):
        style = '"'
    elif "\n" in text:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(data: Any) -> str:
    """YAML whose next line may be another entry of the same list."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return text.removesuffix("...\n") if text.endswith("\n...\n") else text


def head(upstream: str, at: str) -> str:
    """The start of a file; exchanges follow as entries of its last list."""
    about = "# Made by `mock-llm record`; docs/mock-llm/record-and-replay.md tells what may be changed by hand.\n"
    return about + dump({"recording": VERSION, "upstream": upstream, "recorded": at}) + "exchanges:\n"


def entry(recorded: Recorded) -> str:
    """One exchange as an entry of the list."""
    data: dict[str, Any] = {"exchange": recorded.number}
    if recorded.session != "default":
        data["session"] = recorded.session
    data["request"] = _asked(recorded.asked)
    answered = recorded.answered
    response: dict[str, Any] = {"status": answered.status, "headers": dict(_merged(answered.headers))}
    if answered.streamed:
        response["frames"] = [{"at": piece.at, **content(piece.data, tree=False)} for piece in answered.pieces]
    else:
        at = answered.pieces[-1].at if answered.pieces else 0.0
        response |= {"at": at, **content(answered.body)}
    if answered.broken_at is not None:
        response["broken_at"] = answered.broken_at
    data["response"] = response
    return dump([data])


def _asked(asked: Asked) -> dict[str, Any]:
    data: dict[str, Any] = {"method": asked.method, "path": asked.path}
    if asked.query:
        data["query"] = asked.query
    if asked.headers:
        data["headers"] = dict(asked.headers)
    if asked.neutral is not None:
        return data | dict(asked.neutral)
    return data | content(asked.body) if asked.body else data


def _merged(headers: tuple[tuple[str, str], ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def content(body: bytes, *, tree: bool = True) -> dict[str, Any]:
    """Bytes as `json` (when written compactly they give the same bytes), as `text`, or as `base64`."""
    if tree and body[:1] in (b"{", b"["):
        try:
            data = orjson.loads(body)
            if orjson.dumps(data) == body:
                return {"json": data}
        except ValueError:
            pass
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
