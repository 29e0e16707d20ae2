"""The samples of a run as OpenMetrics text with times, as promtool takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from harness.core.events import Event, Sample

Labels = tuple[tuple[str, str], ...]
Point = tuple[str, Labels, float, float]  # name, labels, second of the run, value


def points(events: Iterable[Event]) -> Iterator[Point]:
    """Every scraped value at every look at its pod: samples are written when they change, so between two changes a
    value is repeated for as long as its pod is up."""
    values: dict[str, dict[tuple[str, Labels], float]] = {}
    looks: dict[str, float] = {}

    def look(pod: str) -> Iterator[Point]:
        if pod in looks:
            for (name, labels), value in values.get(pod, {}).items():
                yield name, labels, looks[pod], value

    for event in events:
        sample = event.body
        if not isinstance(sample, Sample) or not sample.kind:
            continue
        pod = sample.labels.get("pod", "")
        if sample.name != "up":
            labels = tuple(sorted({"job": sample.service, **sample.labels}.items()))
            values.setdefault(pod, {})[sample.name, labels] = sample.value
            continue
        yield from look(pod)
        yield "up", (("pod", pod),), event.t, sample.value
        if sample.value:
            looks[pod] = event.t
        else:
            looks.pop(pod, None)
            values.pop(pod, None)
    for pod in list(looks):
        yield from look(pod)


def text(rows: Iterable[Point], when: Callable[[float], float]) -> Iterator[str]:
    """The lines of the exposition; `when` makes epoch seconds of a second of the run."""
    for name, labels, t, value in rows:
        yield f"{name}{_labels(dict(labels))} {value!r} {when(t):.3f}\n"
    yield "# EOF\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
