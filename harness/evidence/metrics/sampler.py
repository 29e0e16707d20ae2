"""Follows the services' metrics through a run and writes down what changed."""

from __future__ import annotations

import asyncio
import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.core.config import Metrics
from harness.core.errors import InfraError
from harness.core.events import Note, Sample
from harness.evidence.metrics.exposition import Series
from harness.evidence.metrics.movement import Movement
from harness.evidence.metrics.scrape import Scrape, Scraper
from harness.evidence.recorder import Recorder

RUNTIMES_OWN = ("python_*", "process_*", "go_*", "jvm_*")
MOST_SERIES = 20_000  # a label that grows without end must not fill the disk
STILL_LOOKS, STILL_PAUSE_S = 12, 0.25
RECORDED, SERVED, LOST, UNSEEN, STILL = (
    f"windtunnel_tokens_{word}" for word in ("recorded", "served", "lost", "unseen", "still")
)
"""What `mark` writes: counted since the run began, but for STILL, which is 1 where nothing moved any more."""


@dataclass
class Sampler:
    """Writes a Sample for each value that changed, and `up` for each pod at every look."""

    scraper: Scraper
    recorder: Recorder
    settings: Metrics
    _kept: dict[Series, float] = field(default_factory=dict)
    _moved: Movement = field(default_factory=Movement)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _told: set[str] = field(default_factory=set)

    async def follow(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self.settings.every_s)

    async def look(self) -> Scrape | None:
        """One look; None where nobody could say which pods there are."""
        async with self._turn:
            try:
                scrape = await self.scraper.scrape()
            except InfraError as error:
                self._tell(error.message)
                return None
            self._moved.feed(scrape)
            self.recorder.emit_all([*self._ups(scrape), *self._changes(scrape)])
            return scrape

    async def mark(self, suite: str) -> None:
        """Write down how many tokens were recorded and served up to here, once nothing moves any more.

        Called before and after each suite; only where `tokens_recorded` names a metric.
        """
        recorded = self.settings.tokens_recorded
        if recorded is None:
            return
        still = await self._still(lambda: (self._sum(recorded), self._sum(self.settings.tokens_served)))
        figures = {
            RECORDED: self._sum(recorded),
            SERVED: self._sum(self.settings.tokens_served),
            LOST: sum(self._sum(name) for name in self.settings.tokens_lost),
            UNSEEN: float(len(self._moved.unseen)),
            STILL: float(still),
        }
        self.recorder.emit_all(
            (Sample(service="", name=name, value=value) for name, value in figures.items()), suite=suite
        )

    async def _still(self, figures: Callable[[], object]) -> bool:
        """Whether `figures` came to rest within three seconds."""
        await self.look()
        for _ in range(STILL_LOOKS):
            before = figures()
            await asyncio.sleep(STILL_PAUSE_S)
            if await self.look() is not None and figures() == before:
                return True
        return False

    def _sum(self, name: str) -> float:
        return self._moved.sum(name) or 0.0

    def _ups(self, scrape: Scrape) -> list[Sample]:
        return [
            Sample(service="", name="up", value=float(pod in scrape.up), labels={"pod": pod}, kind="gauge")
            for pod in sorted({*scrape.up, *scrape.down})
        ]

    def _changes(self, scrape: Scrape) -> list[Sample]:
        rows = []
        for series, value in scrape.values.items():
            if self._kept.get(series) == value or not self._wanted(series.name):
                continue
            if series not in self._kept and len(self._kept) >= MOST_SERIES:
                self._tell(f"more than {MOST_SERIES} series: new ones are left out; a label takes ever new values")
                continue
            self._kept[series] = value
            labels = {**dict(series.labels), "pod": series.pod}
            kind = "counter" if series.cumulative else "gauge"
            rows.append(Sample(service=series.service, name=series.name, value=value, labels=labels, kind=kind))
        return rows

    def _wanted(self, name: str) -> bool:
        if self.settings.names:
            return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.settings.names)
        return not any(fnmatch.fnmatchcase(name, pattern) for pattern in RUNTIMES_OWN)

    def _tell(self, text: str) -> None:
        """A note, once."""
        if text not in self._told:
            self._told.add(text)
            self.recorder.emit(Note(level="warning", text=f"metrics: {text}"))
