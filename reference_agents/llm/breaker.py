"""A circuit breaker: after so many failures in a row a model is left alone for a while.

Written here because those on PyPI are unmaintained or keep time themselves.

    closed --failures--> open --after open_s--> half-open --success--> closed
                           ^                        |
                           +--------failure---------+
"""

from __future__ import annotations

from enum import IntEnum

from reference_agents.common.clock import Clock


class State(IntEnum):
    """The figure is what the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Counts consecutive failures. In half-open one call at a time probes."""

    def __init__(self, clock: Clock, failures: int = 5, open_s: float = 30.0) -> None:
        self._clock, self._limit, self._open_s = clock, failures, open_s
        self._failed = 0
        self._opened: float | None = None
        self._probing = False
        self._held_until = 0.0

    @property
    def state(self) -> State:
        if self._opened is None:
            return State.CLOSED
        waited = self._clock.monotonic() - self._opened >= self._open_s
        return State.HALF_OPEN if waited else State.OPEN

    def wait_s(self) -> float:
        """Seconds for which the provider asked to be left alone, from now."""
        return max(0.0, self._held_until - self._clock.monotonic())

    def admit(self) -> bool:
        """May a call go out now? A True must be followed by succeeded, failed or abandoned."""
        if self.wait_s() > 0 or self.state is State.OPEN:
            return False
        if self.state is State.HALF_OPEN:
            if self._probing:
                return False
            self._probing = True
        return True

    def succeeded(self) -> None:
        """The call was answered, if only by a refusal."""
        self._failed, self._opened, self._probing = 0, None, False

    def failed(self) -> None:
        """The call failed in a way that speaks against the provider."""
        self._failed += 1
        if self._probing or (self._opened is None and self._failed >= self._limit):
            self._opened = self._clock.monotonic()
        self._probing = False

    def abandoned(self) -> None:
        """The call ended for a reason of the caller's own; it says nothing."""
        self._probing = False

    def hold(self, seconds: float) -> None:
        """The provider asked (Retry-After) for `seconds` of quiet."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)
