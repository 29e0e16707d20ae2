"""What a request's conversation was, and whether a later one goes on with its answer; in every protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mock_llm.journal import Entry, shown
from mock_llm.verdict.attempts import failed

_HIDDEN = frozenset({"cache_control", "citations", "annotations", "logprobs", "id", "status"})  # come and go
_CALLS = frozenset({"function_call", "custom_tool_call"})
_SAME = 12  # characters that two texts share at their beginning by no accident


@dataclass(frozen=True, slots=True)
class Talk:
    """turns: as data without what clients add and drop between requests. context: what the server remembers."""

    turns: tuple[Any, ...]
    context: tuple[str, str]  # previous response, conversation

    def asks_as(self, other: Talk) -> bool:
        """Whether both ask the same, whatever model, options or instructions are around it."""
        mine, yours = _without_system(self.turns), _without_system(other.turns)
        return bool(mine) and mine == yours and self.context == other.context


def talk(entry: Entry) -> Talk:
    """The conversation in a request; without turns where there is none to read."""
    try:
        body = orjson.loads(entry.request)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Talk((), ("", ""))
    asked = next((body[key] for key in ("messages", "contents", "input") if body.get(key)), None)
    if isinstance(asked, str):
        asked = [{"role": "user", "content": asked}]
    turns = tuple(_plain(turn) for turn in asked) if isinstance(asked, list) else ()
    return Talk(turns, (str(body.get("previous_response_id") or ""), str(body.get("conversation") or "")))


def went_on(broken: Entry, entries: Sequence[Entry]) -> Entry | None:
    """The request that proves that the client took a broken answer for good; None where there is none.

    That is one that names the answer as what came before (Responses), or one whose conversation begins with the
    broken one's and goes on with what the broken answer said. It proves nothing once the client has asked again
    and was answered (by whatever model or protocol), or has fetched the answer; nor does a last turn of the
    assistant: so a client asks for the rest.
    """
    asked = talk(broken)
    for entry in entries:
        if entry.session != broken.session or entry is broken:
            continue
        if entry.method == "GET" and broken.answer_id and entry.path.endswith(f"/{broken.answer_id}"):
            if entry.status < 400:
                return None
            continue
        then = talk(entry)
        if entry.seq != broken.seq and then.asks_as(asked) and not failed(entry):
            return None
        if entry.seq < broken.seq or entry.path != broken.path:
            continue
        if broken.answer_id and then.context[0] == broken.answer_id:
            return entry
        if _takes_up(asked, then, broken):
            return entry
    return None


def _takes_up(asked: Talk, then: Talk, broken: Entry) -> bool:
    size = len(asked.turns)
    if not size or then.context != asked.context or then.turns[:size] != asked.turns:
        return False
    added = then.turns[size:]
    if not added or (len(added) == 1 and _by_model(added[0])):
        return False
    text, marks = _spoken(item for item in added if _by_model(item))
    blocks = [block for block in shown(broken.answer) or () if isinstance(block, dict)]
    calls = [block["tool_call"] for block in blocks if "tool_call" in block]
    if marks & {mark for call in calls for mark in (call["id"], call["name"])}:
        return True
    return _from(text, "".join(block.get("text", "") for block in blocks))


def _from(text: str, answer: str) -> bool:
    """Whether a text is what is left of an answer: its beginning, or most of it with holes."""
    if not text or not answer:
        return False
    if answer[:_SAME].startswith(text[:_SAME]):
        return True
    letters = iter(answer)
    return len(text) * 2 >= len(answer) and all(letter in letters for letter in text)


def _by_model(turn: Any) -> bool:
    return isinstance(turn, dict) and (turn.get("role") in {"assistant", "model"} or turn.get("type") in _CALLS)


def _spoken(turns: Iterator[Any]) -> tuple[str, set[str]]:
    """The text in the model's turns, and the names and ids of the calls in them."""
    texts: list[str] = []
    marks: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            for key, item in value.items():
                if key in {"text", "content"} and isinstance(item, str):
                    texts.append(item)
                elif key in {"call_id", "tool_use_id", "name"} and isinstance(item, str):
                    marks.add(item)
                elif key not in {"arguments", "input", "args"}:
                    walk(item)

    walk(list(turns))
    return "".join(texts), marks


def _without_system(turns: tuple[Any, ...]) -> list[Any]:
    return [t for t in turns if not (isinstance(t, dict) and t.get("role") in {"system", "developer"})]


def _plain(value: Any) -> Any:
    """A turn as the next request would repeat it: one text is a text, and no field that may come and go."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _plain(item) for key, item in value.items() if key not in _HIDDEN and item is not None}
    if kept.get("type") == "message":
        del kept["type"]
    content = kept.get("content")
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict) and "text" in content[0]:
        kept["content"] = content[0]["text"]
    return kept
