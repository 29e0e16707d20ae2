"""A model that says again what it said before."""

from __future__ import annotations

from dataclasses import dataclass

from mock_llm.completion import Completion, Text
from mock_llm.faults.fault import Fault, Hit, fault


@fault("repeat_answer")
@dataclass(frozen=True, slots=True)
class RepeatAnswer(Fault):
    """Give the assistant's previous text again; on its first turn say everything `copies` times."""

    copies: int = 2

    def complete(self, completion: Completion, hit: Hit) -> Completion:
        turns = hit.request.turns if hit.request is not None else ()
        said = next((turn.text for turn in reversed(turns) if turn.role == "assistant" and turn.text), None)
        if said is not None:
            return completion.with_blocks(Text(said), finish="stop")
        blocks = completion.first.blocks
        return completion.with_blocks(*(Text(b.text * self.copies) if isinstance(b, Text) else b for b in blocks))
