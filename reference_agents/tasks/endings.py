"""Tells those who wait in this process that a task ended here; those who wait elsewhere ask the store."""

from __future__ import annotations

import asyncio
import contextlib


class Endings:
    """Wakes waiters at once when a task ended in this process."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Event]] = {}

    async def wait(self, task_id: str, most_s: float) -> None:
        """Return when `task_id` ended here, or after `most_s` seconds."""
        ended = asyncio.Event()
        self._waiting.setdefault(task_id, []).append(ended)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), most_s)
        finally:
            rest = self._waiting.get(task_id, [])
            if ended in rest:
                rest.remove(ended)
            if not rest:
                self._waiting.pop(task_id, None)

    def tell(self, task_id: str) -> None:
        """`task_id` is over."""
        for ended in self._waiting.pop(task_id, []):
            ended.set()
