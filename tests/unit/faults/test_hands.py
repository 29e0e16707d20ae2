"""Hands that are cancelled let go only when their thread has: else a fault gets in after the last undo."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from harness.faults.hands import Hands


class SlowInjector:
    """Its injection takes effect when the test says so."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.log: list[str] = []

    def inject(self, kind: str, params: Any) -> str:
        self.begun.set()
        assert self.go.wait(10)
        self.log.append("in")
        return "active"

    def witness(self, active: Any) -> None:
        raise ValueError("seen by nobody")


async def test_a_cancelled_injection_is_over_before_anything_is_taken_back() -> None:
    injector, ended = SlowInjector(), threading.Event()
    hands = Hands(injector, None, ended)  # type: ignore[arg-type]

    async def suite() -> None:
        try:
            await hands.inject("edge_fault", {})
        finally:
            injector.log.append("undo all")

    running = asyncio.create_task(suite())
    assert await asyncio.to_thread(injector.begun.wait, 10)
    for _ in range(3):  # as often as an impatient user
        running.cancel()
        await asyncio.sleep(0)
    assert ended.is_set() and not running.done() and injector.log == []
    injector.go.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert injector.log == ["in", "undo all"]


async def test_what_the_thread_raises_is_what_the_caller_gets() -> None:
    hands = Hands(SlowInjector(), None, threading.Event())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seen by nobody"):
        await hands.witness(None)  # type: ignore[arg-type]
