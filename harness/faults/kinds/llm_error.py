"""The LLM answers with an error: an outage (5xx), or a storm of 429 with Retry-After."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from harness.faults.fault import FAULTS, Injection, Params, Site, Witnessed
from harness.faults.mock_llm_plan import MockLlm

CANARIES = 3


class LlmErrorParams(Params):
    """Each of `models` answers `status`; `retry_after` in seconds is sent along where it is given."""

    models: tuple[str, ...] = Field(min_length=1)
    status: int = Field(503, ge=400, le=599)
    retry_after: float | None = Field(None, ge=0)


@FAULTS.register("llm_error")
class LlmError:
    """Witness: canary requests to every model get the planned status, and got another one before."""

    params = LlmErrorParams

    def plan(self, params: LlmErrorParams, site: Site) -> Injection:
        llm = MockLlm.of(site)
        before = llm.plan()
        return Injection(
            kind="llm_error",
            subject=", ".join(f"model {model}" for model in params.models),
            params=params,
            victims=params.models,
            undo=(llm.undo(before),),
            facts={
                "plan": before,
                "before": {model: llm.canary(model, 10.0).status for model in params.models},
            },
        )

    def inject(self, injection: Injection, site: Site) -> None:
        params = injection.params
        assert isinstance(params, LlmErrorParams)
        entries: list[dict[str, Any]] = [
            {"kind": "status", "status": params.status, "when": {"model": model}} for model in params.models
        ]
        if params.retry_after is not None:
            entries = [{**entry, "retry_after": params.retry_after} for entry in entries]
        MockLlm.of(site).put([*injection.facts["plan"], *entries])

    def witness(self, injection: Injection, site: Site) -> Witnessed:
        params = injection.params
        assert isinstance(params, LlmErrorParams)
        llm = MockLlm.of(site)
        seen = {model: [llm.canary(model, 10.0).status for _ in range(CANARIES)] for model in params.models}
        before = dict(injection.facts["before"])
        good = all(
            statuses == [params.status] * CANARIES and before[model] != params.status
            for model, statuses in seen.items()
        )
        said = "; ".join(
            f"{model}: {before[model]} before, {', '.join(map(str, statuses))} during"
            for model, statuses in seen.items()
        )
        return Witnessed("canary LLM requests", good, {model: list(rows) for model, rows in seen.items()}, said)
