"""A bill that has nothing to do with what was said."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mock_llm.completion import Completion, Usage
from mock_llm.faults.fault import Fault, Hit, fault
from mock_llm.tokens import completion_tokens, prompt_tokens


@fault("usage_spike")
@dataclass(frozen=True, slots=True)
class UsageSpike(Fault):
    """Report `factor` times the tokens, and `reasoning` tokens of thought on top of the completion's."""

    factor: float = 100.0
    reasoning: int = 0

    def complete(self, completion: Completion, hit: Hit) -> Completion:
        usage = completion.usage
        if usage is None:
            asked = prompt_tokens(hit.request) if hit.request is not None else 0
            usage = Usage(asked, completion_tokens(completion))
        spiked = replace(
            usage,
            prompt=round(usage.prompt * self.factor),
            completion=round(usage.completion * self.factor) + self.reasoning,
            reasoning=usage.reasoning + self.reasoning,
        )
        return replace(completion, usage=spiked)
