"""What to say when nothing recorded answers a request: the nearest exchange, and what differs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from mock_llm.recording.neutral import compared
from mock_llm.recording.read import Recording
from mock_llm.recording.tape import Asked, Recorded

Difference = tuple[str, Any, Any]  # place, recorded, asked
_MOST = 8  # differences shown
_ABSENT = object()


def stale(
    recording: Recording, asked: Asked, candidates: Sequence[Recorded], played: set[int], ordinal: int, session: str
) -> str:
    """The text of the error."""
    lines = [f"mock-llm: no recorded exchange answers request {ordinal} of session {session!r} ({recording.path})."]
    near = nearest(asked, candidates, played)
    if near is None:
        lines.append("The recording has no exchanges.")
    else:
        one, differences = near
        if differences:
            lines.append(f"Nearest: {one}; what differs:")
            lines.extend(f"  - {_line(difference)}" for difference in differences[:_MOST])
            if len(differences) > _MOST:
                lines.append(f"  - and {len(differences) - _MOST} more")
        else:
            times = sum(not _differences(asked, other) for other in candidates)
            lines.append(
                f"Nearest: {one} is the same, but has answered already: this was recorded {times} "
                f"time{'s' if times > 1 else ''} and is asked once more. To start over, reset the session."
            )
    upstream = recording.upstream or "URL"
    lines.append(
        "If the request was meant to change, record again: "
        f"mock-llm record --upstream {upstream} --to {recording.path} --overwrite"
    )
    return "\n".join(lines)


def nearest(asked: Asked, candidates: Sequence[Recorded], played: set[int]) -> tuple[Recorded, list[Difference]] | None:
    """The exchange that differs least; among equals, one that has not answered yet."""
    scored = []
    for one in candidates:
        differences = _differences(asked, one)
        weight = sum(_weight(recorded, given) for _, recorded, given in differences)
        scored.append((weight, one.number in played, one.number, one, differences))
    if not scored:
        return None
    best = min(scored, key=lambda item: item[:3])
    return best[3], best[4]


def _differences(asked: Asked, one: Recorded) -> list[Difference]:
    recorded = one.asked
    if asked.neutral is None or recorded.neutral is None:
        return list(_differing("", _plain(recorded), _plain(asked)))
    across = asked.neutral["protocol"] != recorded.neutral["protocol"]
    return list(_differing("", compared(recorded.neutral, across=across), compared(asked.neutral, across=across)))


def _plain(asked: Asked) -> dict[str, Any]:
    try:
        body = orjson.loads(asked.body) if asked.body else None
    except ValueError:
        body = asked.body.decode("utf-8", "replace")
    shown = body if asked.neutral is None else dict(asked.neutral)
    return {"method": asked.method, "path": asked.path, "query": asked.query, "body": shown}


def _differing(place: str, recorded: Any, asked: Any) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for key in {**recorded, **asked}:
            inner = f"{place}.{key}" if place else str(key)
            yield from _differing(inner, recorded.get(key, _ABSENT), asked.get(key, _ABSENT))
    elif isinstance(recorded, list) and isinstance(asked, list):
        for index in range(max(len(recorded), len(asked))):
            pair = [items[index] if index < len(items) else _ABSENT for items in (recorded, asked)]
            yield from _differing(f"{place}[{index}]", pair[0], pair[1])
    elif recorded is _ABSENT or asked is _ABSENT or recorded != asked or type(recorded) is not type(asked):
        yield place, recorded, asked


def _weight(recorded: Any, asked: Any) -> float:
    """From nearly 0 for a text changed a little to 1 for something else."""
    if isinstance(recorded, str) and isinstance(asked, str):
        return 1.05 - difflib.SequenceMatcher(None, recorded[:500], asked[:500]).quick_ratio()
    return 1.0


def _line(difference: Difference) -> str:
    place, recorded, asked = difference
    if isinstance(recorded, str) and isinstance(asked, str):
        start = next((i for i, (a, b) in enumerate(zip(recorded, asked, strict=False)) if a != b), None)
        at = max(0, (min(len(recorded), len(asked)) if start is None else start) - 30)
        return f"{place}: recorded {_shown(recorded, at)}, asked {_shown(asked, at)}"
    return f"{place}: recorded {_shown(recorded)}, asked {_shown(asked)}"


def _shown(value: Any, at: int = 0, most: int = 90) -> str:
    if value is _ABSENT:
        return "nothing"
    text = repr(value[at:]) if isinstance(value, str) else orjson.dumps(value).decode()
    before = "..." if at else ""
    return before + (text if len(text) <= most else text[:most] + "...")
