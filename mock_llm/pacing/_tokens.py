"""From a time per token to a time per frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mock_llm.codecs.protocol import Frame


def offsets(frames: Sequence[Frame], first: float, gap: Callable[[], float]) -> list[float]:
    """`first` seconds to the first token, `gap()` for each token after it; frames without tokens leave at once."""
    at, spoken, made = first, 0, []
    for frame in frames:
        if frame.tokens:
            for _ in range(frame.tokens if spoken else frame.tokens - 1):
                at += gap()
            spoken += frame.tokens
        made.append(at)
    return made
