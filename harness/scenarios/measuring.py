"""What the services count, before and after a scenario."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from harness.evidence.metrics.exposition import Series
from harness.evidence.metrics.movement import Movement
from harness.evidence.metrics.scrape import Scrape, Scraper

LOOKS = 20
PAUSE_S = 0.15


@dataclass(frozen=True)
class Measured:
    """Reads the metrics that a scenario asserts on, once they stand still."""

    scraper: Scraper
    names: Collection[str]

    async def still(self) -> Scrape:
        """The first scrape that is like the one before; after three seconds the last one, whatever it is.

        A counter may be written a moment after the answer was sent, and an earlier scenario may still work.
        """
        last = await self.scraper.scrape()
        for _ in range(LOOKS):
            await asyncio.sleep(PAUSE_S)
            seen, last = last, await self.scraper.scrape()
            if self._named(seen) == self._named(last):
                break
        return last

    async def since(self, before: Scrape) -> Movement:
        """How everything moved since `before`."""
        moved = Movement()
        moved.feed(before)
        moved.feed(await self.still())
        return moved

    def _named(self, scrape: Scrape) -> Mapping[Series, float]:
        return {series: value for series, value in scrape.values.items() if series.name in self.names}
