"""`traced`: what was asked of models and done by tools is in the trace of the call that it was done for."""

from __future__ import annotations

from harness.scenarios.observation import Claim, Observation
from harness.scenarios.then import Parameters


class Traced(Parameters):
    """Every request to a model and every effect carries the trace id (W3C traceparent) of one of the calls."""

    def judge(self, seen: Observation) -> Claim:
        calls = {answer.trace_id for answer in seen.answers if answer.trace_id}
        found = [("a request to " + model.model, model.trace_id) for model in seen.models or ()]
        found += [("an effect of " + effect.tool, effect.trace_id) for effect in seen.effects or ()]
        if not calls or not found:
            return Claim(None, "no request to a model and no effect was seen: there is nothing to trace")
        lost = [(what, trace) for what, trace in found if trace not in calls]
        if not lost:
            return Claim(True, f"{len(found)} requests and effects, all in the trace of their call")
        what, trace = lost[0]
        return Claim(
            False,
            f"{len(lost)} of {len(found)} requests and effects are in no trace of a call: {what} has {trace or 'none'}",
            [{"what": what, "trace_id": trace} for what, trace in lost[:10]],
            fix="hand the traceparent header on with every request, also from the registry to the tool",
        )
