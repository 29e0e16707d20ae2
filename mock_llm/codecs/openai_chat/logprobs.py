"""Log probabilities of the tokens said: made up, but consistent with each other."""

from __future__ import annotations

import math
from typing import Any

from mock_llm.codecs.protocol import Call
from mock_llm.completion import Choice, Request
from mock_llm.tokens import pieces


def token_logprobs(text: str, request: Request, call: Call, name: str) -> list[dict[str, Any]]:
    """One entry a token: its probability is drawn from the seed, its alternatives share the rest."""
    rng = call.seed.rng("logprobs" + name)
    found = []
    for piece in pieces(text):
        p = 0.55 + 0.45 * rng.random()
        alternatives = [_entry(piece, p)]
        rest = 1 - p
        for i in range(1, request.params.top_logprobs):
            rest /= 2
            alternatives.append(_entry(f"{piece}{'~' * i}", max(rest, 1e-9)))
        found.append({**alternatives[0], "top_logprobs": alternatives[: request.params.top_logprobs]})
    return found


def logprobs(choice: Choice, request: Request, call: Call, index: int) -> dict[str, Any]:
    """The `logprobs` of a choice: its content, or its refusal."""
    refusal = choice.refusal
    return {
        "content": token_logprobs(choice.text, request, call, str(index)) if refusal is None else None,
        "refusal": token_logprobs(refusal, request, call, str(index)) if refusal is not None else None,
    }


def _entry(token: str, p: float) -> dict[str, Any]:
    return {"token": token, "logprob": round(math.log(p), 6), "bytes": list(token.encode())}
