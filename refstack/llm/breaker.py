"""A circuit breaker per model: closed, open, half-open."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from refstack.common.clock import Clock


class State(IntEnum):
    """The numbers that the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class CircuitBreaker:
    """Opens after `failures` in a row; after `open_s` seconds lets one probe through, whose outcome decides.

    Call `allow` before a request, then exactly one of `succeeded`, `failed`, `abandoned`.
    """

    def __init__(
        self, *, failures: int, open_s: float, clock: Clock, on_change: Callable[[State], None] = lambda state: None
    ) -> None:
        self._limit, self._open_s, self._clock, self._on_change = failures, open_s, clock, on_change
        self._failures = 0
        self._opened_at = 0.0
        self._probing = False
        self.state = State.CLOSED

    def allow(self) -> bool:
        """May a request go out now?"""
        if self.state is State.OPEN and self._clock.monotonic() - self._opened_at >= self._open_s:
            self._become(State.HALF_OPEN)
        if self.state is State.HALF_OPEN:
            if self._probing:
                return False
            self._probing = True
            return True
        return self.state is State.CLOSED

    def succeeded(self) -> None:
        """The request was answered."""
        self._probing = False
        self._failures = 0
        self._become(State.CLOSED)

    def failed(self) -> None:
        """The request failed in a way that says something about the model."""
        self._probing = False
        self._failures += 1
        if self.state is State.HALF_OPEN or self._failures >= self._limit:
            self._opened_at = self._clock.monotonic()
            self._become(State.OPEN)

    def abandoned(self) -> None:
        """The request came to nothing that says anything about the model (cancelled, refused as wrong)."""
        self._probing = False

    def _become(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._on_change(state)
