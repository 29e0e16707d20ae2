"""What can go wrong with an LLM, sorted by what to do about it."""

from __future__ import annotations


class LLMError(Exception):
    """No answer. `reason` is short and fit for a metric or a caller."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Transient(LLMError):
    """May work if tried again; `retry_after_s` is what the provider asked for."""

    def __init__(self, reason: str, detail: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(reason, detail)
        self.retry_after_s = retry_after_s


class TimedOut(LLMError):
    """Too slow. Trying the same model again would cost the same again; another may be quicker."""


class Rejected(LLMError):
    """The provider understood and refused: the same request fails again on this model.

    `malformed` is True when the request itself is wrong, so that no other model would take it either.
    """

    def __init__(self, reason: str, detail: str = "", *, malformed: bool = False) -> None:
        super().__init__(reason, detail)
        self.malformed = malformed


class Unavailable(LLMError):
    """No model of the cascade answered."""
