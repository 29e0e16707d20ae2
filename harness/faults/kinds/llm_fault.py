"""Any fault of the mock LLM's own: a tool loop, a usage spike, torn arguments; docs/mock-llm/faults.md lists them."""

from __future__ import annotations

from typing import Any

from pydantic import Field, JsonValue

from harness.core.errors import ConfigError
from harness.faults.fault import FAULTS, Injection, Params, Site, Witnessed
from harness.faults.mock_llm_plan import MockLlm

CANARIES = 3
TIMEOUT_S = 20.0


class LlmFaultParams(Params):
    """`fault` as in a plan of the mock LLM, e.g. {kind: usage_spike, factor: 6}; the canary asks `model`."""

    fault: dict[str, JsonValue]
    model: str = Field(min_length=1)


@FAULTS.register("llm_fault")
class LlmFault:
    """Witness: canary requests to the model, each of which the journal says it struck."""

    params = LlmFaultParams

    def plan(self, params: LlmFaultParams, site: Site) -> Injection:
        kind = params.fault.get("kind")
        if not isinstance(kind, str):
            raise ConfigError("llm_fault: `fault` has no `kind`", hint="docs/mock-llm/faults.md lists them")
        llm = MockLlm.of(site)
        before = llm.plan()
        return Injection(
            kind="llm_fault",
            subject=f"{kind} on model {params.model}",
            params=params,
            victims=(params.model,),
            undo=(llm.undo(before),),
            facts={"plan": before, "struck": llm.struck(kind), "kind": kind},
        )

    def inject(self, injection: Injection, site: Site) -> None:
        params = injection.params
        assert isinstance(params, LlmFaultParams)
        entry: dict[str, Any] = dict(params.fault)
        MockLlm.of(site).put([*injection.facts["plan"], entry])

    def witness(self, injection: Injection, site: Site) -> Witnessed:
        params = injection.params
        assert isinstance(params, LlmFaultParams)
        llm, kind = MockLlm.of(site), str(injection.facts["kind"])
        for _ in range(CANARIES):
            llm.canary(params.model, TIMEOUT_S)
        struck = llm.struck(kind) - int(injection.facts["struck"])
        said = f"{kind} struck {struck} of {CANARIES} canary requests"
        return Witnessed("canary LLM requests", struck == CANARIES, {"struck": struck, "asked": CANARIES}, said)
