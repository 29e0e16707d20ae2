"""`metrics`: by how much what the services count moved."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, JsonValue, model_validator

from harness.scenarios.observation import Claim, Observation
from harness.scenarios.then import Parameters

Served = Literal["tokens_served", "prompt_tokens_served", "completion_tokens_served", "llm_answers"]
SERVED: frozenset[str] = frozenset(get_args(Served))


class Metrics(Parameters):
    """A metric's movement from before the first call to after the last answer, over all pods and matching labels."""

    name: str = Field(description="as a sample is called in the exposition, e.g. agent_llm_tokens_total")
    labels: dict[str, str] = Field({}, description="only series with these labels")
    service: str = Field("", description="only this service's; all that declare `metrics` without it")
    increases_by: float | Served | None = Field(
        None, description="a number, or what the mock LLM's journal says it answered with"
    )
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _something(self) -> Metrics:
        if self.increases_by is None and self.at_least is None and self.at_most is None:
            raise ValueError("give increases_by, at_least or at_most")
        return self

    def judge(self, seen: Observation) -> Claim:
        moved = seen.moved
        if moved is None:
            return Claim(None, "no service declares `metrics` in windtunnel.toml")
        by = moved.sum(self.name, self.labels, self.service)
        if by is None:
            return Claim(False, f"nobody has a metric {self._named}", fix="count it, and serve it at /metrics")
        if moved.unseen:
            pod, why = next(iter(moved.unseen.items()))
            return Claim(None, f"{pod} counted on, unseen: {why}")
        wanted = self.increases_by
        if isinstance(wanted, str):
            wanted = served(wanted, seen)
            if wanted is None:
                return Claim(None, "nobody saw what the LLM answered")
            word = f"the {wanted:g} that the LLM served"
        else:
            word = f"{wanted:g}" if wanted is not None else ""
        shown: JsonValue = {
            f"{row.pod} {row.name} {dict(row.labels)}": value
            for row, value in moved.by.items()
            if row.has(self.name, self.labels)
        }
        text = f"{self._named} grew by {by:g}"
        if wanted is not None and abs(by - wanted) > 1e-6:
            return Claim(False, f"{text}, not by {word}", shown)
        if self.at_least is not None and by < self.at_least:
            return Claim(False, f"{text}, at least {self.at_least:g} expected", shown)
        if self.at_most is not None and by > self.at_most:
            return Claim(False, f"{text}, at most {self.at_most:g} expected", shown)
        return Claim(True, text, shown)

    @property
    def _named(self) -> str:
        labels = ", ".join(f'{key}="{value}"' for key, value in self.labels.items())
        return f"{self.name}{{{labels}}}" if labels else self.name


def served(what: str, seen: Observation) -> float | None:
    """What reached the services of the LLM's answers, by its journal."""
    if seen.models is None:
        return None
    whole = [call for call in seen.models if call.status == 200 and not call.aborted]
    if what == "llm_answers":
        return len(whole)
    prompt, completion = sum(c.prompt_tokens for c in whole), sum(c.completion_tokens for c in whole)
    return {"tokens_served": prompt + completion, "prompt_tokens_served": prompt}.get(what, completion)
