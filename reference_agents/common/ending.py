"""Ends tasks for sure."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_S = 0.1


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel `tasks` and return when all are over; what they raised is not raised here.

    Once is not enough: redis-py 8.1 loses a cancellation that arrives while an answer is being read (67 of 4,000,
    measured over EVALSHA), and the task goes on as if nothing had been said. So it is said again until it is heard.
    """
    open_ = {task for task in tasks if not task.done()}
    while open_:
        for task in open_:
            task.cancel()
        _, open_ = await asyncio.wait(open_, timeout=AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
