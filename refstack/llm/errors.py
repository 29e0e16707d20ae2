"""How a model can fail."""

from __future__ import annotations


class LlmError(Exception):
    """A call to a model failed.

    `retryable`: the same model may answer if asked again. `retry_after_s`: how long it asks us to wait.
    `counts`: it says something about the model's health, so the breaker must hear of it.
    """

    def __init__(
        self, message: str, *, retryable: bool, retry_after_s: float | None = None, counts: bool = True
    ) -> None:
        super().__init__(message)
        self.retryable, self.retry_after_s, self.counts = retryable, retry_after_s, counts


class AllModelsFailed(Exception):
    """No model of the cascade gave an answer."""
