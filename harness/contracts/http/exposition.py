"""The metrics endpoint: an exposition that Prometheus can scrape and that means what it says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from harness.contracts.http.exchange import Caller, Exchange
from harness.contracts.promises import Promises

TYPES = ("text/plain", "application/openmetrics-text")


@dataclass(frozen=True)
class Exposition:
    """Checks the declared metrics path of one service."""

    caller: Caller
    promises: Promises

    async def check(self, path: str, required: Sequence[str] = ()) -> None:
        """Scrape once: the text must parse, add up, and have every family of `required`."""
        first = await self.caller.send("GET", path)
        kind = first.answer_headers.get("content-type", "")
        families: list[Metric] = []
        problem = ""
        if first.code != 200:
            problem = first.outcome
        elif not kind.startswith(TYPES):
            problem = f"Content-Type is {kind or 'missing'}"
        else:
            try:
                families = list(text_string_to_metric_families(first.answer.decode("utf-8")))
            except (ValueError, UnicodeDecodeError, KeyError) as error:
                problem = f"does not parse: {error}"
        if not problem and not families:
            problem = "no metric at all"
        parsed = self._judge(
            path, first, "metrics.parses", "the metrics can be scraped by Prometheus", problem, len(families)
        )
        if not parsed:
            return
        self._judge(
            path,
            first,
            "metrics.consistent",
            "no series appears twice and every histogram adds up",
            "; ".join(inconsistencies(families)),
            len(families),
        )
        if required:
            # A counter's family is called without `_total` by the parser, with it by everybody else.
            there = {name for family in families for name in (family.name, f"{family.name}_total")}
            missing = [name for name in required if name not in there]
            self._judge(
                path,
                first,
                "metrics.required",
                "the metrics that windtunnel.toml requires are there",
                f"missing: {', '.join(missing)}" if missing else "",
                len(required),
            )

    def _judge(self, path: str, seen: Exchange, check: str, title: str, problem: str, cases: int) -> bool:
        return self.promises.judge(
            not problem,
            check,
            f"GET {path}",
            title,
            detail=problem or f"{cases} metric families",
            payload=seen.payload(),
            replay=seen.curl(),
            fix="serve the registry of the official Prometheus client unchanged",
            cases=max(cases, 1),
        )


def inconsistencies(families: Iterable[Metric]) -> Iterator[str]:
    """What is wrong inside one exposition, a sentence each."""
    for family in families:
        seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in seen:
                yield f"{sample.name}{dict(sample.labels)} appears twice"
            seen.add(key)
            if family.type == "counter" and sample.name.endswith("_total") and sample.value < 0:
                yield f"counter {sample.name} is {sample.value}"
        if family.type == "histogram":
            yield from _histogram(family)


def _histogram(family: Metric) -> Iterator[str]:
    buckets: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    counts: dict[tuple[tuple[str, str], ...], float] = {}
    for sample in family.samples:
        labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        if sample.name == f"{family.name}_bucket":
            buckets.setdefault(labels, []).append((float(sample.labels.get("le", "nan")), sample.value))
        elif sample.name == f"{family.name}_count":
            counts[labels] = sample.value
    for labels, rows in buckets.items():
        rows.sort()
        values = [value for _, value in rows]
        if values != sorted(values):
            yield f"buckets of {family.name}{dict(labels)} are not cumulative"
        if not math.isinf(rows[-1][0]):
            yield f"{family.name}{dict(labels)} has no +Inf bucket"
        elif labels in counts and counts[labels] != rows[-1][1]:
            yield f"{family.name}{dict(labels)}: _count {counts[labels]} is not the +Inf bucket {rows[-1][1]}"
