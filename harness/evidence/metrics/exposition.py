"""A Prometheus exposition as readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

CUMULATIVE = frozenset({"counter", "histogram"})
KINDS = CUMULATIVE | {"gauge", "unknown"}


@dataclass(frozen=True)
class Series:
    """One line of an exposition, and whose it is. What is `cumulative` only grows until its process ends."""

    service: str
    pod: str
    name: str
    labels: tuple[tuple[str, str], ...] = ()
    cumulative: bool = True

    def has(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether it is called `name` and carries these labels, whatever others it has."""
        return self.name == name and labels.items() <= dict(self.labels).items()


def readings(text: str, service: str, pod: str) -> Iterator[tuple[Series, float]]:
    """Every counter, gauge and histogram of `text`, by its samples' names. Raises ValueError where it is none."""
    for family in text_string_to_metric_families(text):
        if family.type not in KINDS:
            continue
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                labels = tuple(sorted(sample.labels.items()))
                yield Series(service, pod, sample.name, labels, family.type in CUMULATIVE), float(sample.value)
