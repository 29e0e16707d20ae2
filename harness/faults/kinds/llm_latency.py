"""The LLM answers, but late."""

from __future__ import annotations

from pydantic import Field

from harness.faults.fault import FAULTS, Injection, Params, Site, Witnessed, strength
from harness.faults.mock_llm_plan import MockLlm


class LlmLatencyParams(Params):
    """Every answer of `model` comes `seconds` later."""

    seconds: float = Field(gt=0)
    model: str


@FAULTS.register("llm_latency")
class LlmLatency:
    """Witness: a canary request, timed before and during; the difference must be the planned delay."""

    params = LlmLatencyParams

    def plan(self, params: LlmLatencyParams, site: Site) -> Injection:
        llm = MockLlm.of(site)
        before = llm.plan()
        return Injection(
            kind="llm_latency",
            subject=f"model {params.model}",
            params=params,
            victims=(params.model,),
            undo=(llm.undo(before),),
            facts={"plan": before, "baseline_s": llm.canary(params.model, 10.0).seconds},
        )

    def inject(self, injection: Injection, site: Site) -> None:
        assert isinstance(injection.params, LlmLatencyParams)
        entry = {
            "kind": "latency",
            "seconds": injection.params.seconds,
            "when": {"model": injection.params.model},
        }
        MockLlm.of(site).put([*injection.facts["plan"], entry])

    def witness(self, injection: Injection, site: Site) -> Witnessed:
        assert isinstance(injection.params, LlmLatencyParams)
        seconds = injection.params.seconds
        took = MockLlm.of(site).canary(injection.params.model, seconds * 1.5 + 10).seconds
        baseline = float(injection.facts["baseline_s"])
        return strength(
            "canary LLM request",
            planned=seconds,
            measured=took - baseline,
            unit="s",
            baseline_s=round(baseline, 4),
        )
