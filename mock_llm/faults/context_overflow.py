"""A conversation that has grown too long for the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mock_llm.codecs.protocol import ApiError
from mock_llm.faults.fault import Fault, Hit, fault
from mock_llm.tokens import prompt_tokens


@fault("context_overflow")
@dataclass(frozen=True, slots=True)
class ContextOverflow(Fault):
    """400 for prompts of more than `tokens` tokens (0: for each), as a model with so small a window would."""

    spoils: ClassVar[bool] = True

    tokens: int = 0

    def strikes(self, hit: Hit) -> bool:
        return hit.request is not None and prompt_tokens(hit.request) > self.tokens

    def refuse(self, hit: Hit) -> ApiError:
        assert hit.request is not None
        asked = prompt_tokens(hit.request)
        text = hit.codec.hints.too_long.format(asked=asked, limit=self.tokens)
        return ApiError(400, text, code="context_length_exceeded", param=hit.codec.hints.prompt)
