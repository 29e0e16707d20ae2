"""The services' own gauges on the timeline: breakers, queues, what is in flight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.core.events import Event, Sample

MOST = 8  # lines that can still be told apart
UP = "up"


@dataclass(frozen=True)
class Line:
    """One gauge, the highest of its pods' values at the end of each second; None where no pod had said any."""

    label: str
    values: tuple[float | None, ...]


def lines(events: Iterable[Event], seconds: Sequence[int]) -> tuple[Line, ...]:
    """The gauges that moved within `seconds`, `MOST` of them at most, by their names."""
    rows = [(event.t, body) for event in events if isinstance(body := event.body, Sample) and body.kind == "gauge"]
    rows.sort(key=lambda row: row[0])
    now: dict[str, dict[str, float]] = {}
    found: dict[str, list[float | None]] = {}
    at = 0
    for index, second in enumerate(seconds):
        while at < len(rows) and rows[at][0] < second + 1:
            _take(now, rows[at][1])
            at += 1
        for label, pods in now.items():
            found.setdefault(label, [None] * index).append(max(pods.values(), default=None))
    moved = [Line(label, tuple(values)) for label, values in sorted(found.items()) if len({*values} - {None}) > 1]
    return tuple(moved[:MOST])


def _take(now: dict[str, dict[str, float]], sample: Sample) -> None:
    pod = sample.labels.get("pod", "")
    if sample.name != UP:
        now.setdefault(_label(sample), {})[pod] = sample.value
    elif not sample.value:
        for pods in now.values():
            pods.pop(pod, None)


def _label(sample: Sample) -> str:
    told = [value for name, value in sample.labels.items() if name != "pod"]
    return " ".join([sample.name, *told]) if told else f"{sample.name} {sample.service}"
