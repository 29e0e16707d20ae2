"""Why an answer has no neutral form."""

from __future__ import annotations


class Undecodable(ValueError):
    """An answer that another protocol cannot be given without guessing; the text says why."""


def unknown(what: str, value: object) -> Undecodable:
    """For a kind of content that the neutral form does not know."""
    return Undecodable(f"it holds {what} {value!r}, which other protocols cannot say")


BROKEN_OFF = "its stream ends before the answer does"
