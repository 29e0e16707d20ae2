"""A task is over when `end` returns, also one that does not hear the first time."""

from __future__ import annotations

import asyncio

from reference_agents.common.ending import end


async def test_a_task_that_loses_its_first_cancellations_ends_all_the_same() -> None:
    lost: list[str] = []

    async def deaf() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if len(lost) == 2:
                    raise
                lost.append("?")

    async def breaks() -> None:
        raise RuntimeError

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(breaks()), asyncio.create_task(asyncio.sleep(0))]
    await asyncio.sleep(0)
    await end(*tasks)
    assert all(task.done() for task in tasks)
    assert len(lost) == 2


async def test_nothing_to_end_is_fine() -> None:
    await end()
