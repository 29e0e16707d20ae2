"""Follows the target's metrics for as long as suites run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from harness.core.config import Metrics
from harness.evidence.metrics.sampler import Sampler
from harness.evidence.metrics.scrape import Scraper
from harness.evidence.recorder import Recorder
from harness.targets.target import Target

Mark = Callable[[str], Awaitable[None]]


@contextlib.asynccontextmanager
async def sampled(target: Target, settings: Metrics, recorder: Recorder) -> AsyncIterator[Mark]:
    """Samples are taken while the body runs; it calls what it gets before and after each suite, by its name.

    Nothing is read where the target declares no metrics, or `every_s` is 0.
    """
    async with httpx.AsyncClient(timeout=10, trust_env=False, limits=httpx.Limits(max_connections=50)) as http:
        scraper = Scraper(http, target)
        if not settings.every_s or not scraper.wanted:
            yield _nothing
            return
        sampler = Sampler(scraper, recorder, settings)
        following = asyncio.create_task(sampler.follow())
        try:
            yield sampler.mark
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await sampler.look()


async def _nothing(suite: str) -> None:
    """There is nothing to mark."""
