"""`spans`: what the tracing back-end has of the calls: one whole trace, every model call, every tool call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pydantic import Field, JsonValue, model_validator

from harness.evidence.traces.span import Span
from harness.scenarios.observation import Claim, Observation, caller_span
from harness.scenarios.then import Parameters

MODEL, INPUT, OUTPUT = "gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
TOOL, VERSION, OUTCOME = "gen_ai.tool.name", "tool.version", "tool.outcome"


class Spans(Parameters):
    """Of the traces of the calls. GenAI's conventions are how model and tool calls are known among the spans."""

    joins: tuple[str, ...] = Field((), description="services (service.name) that must have a span, in one trace")
    kinds: tuple[str, ...] = Field((), description="kinds that must be in it, e.g. producer and consumer for a broker")
    models: bool = Field(False, description="each answer of a model is a span, with the tokens that were served")
    tools: bool = Field(False, description="each effect of a tool is a span, with its name, version and outcome")
    lacks: tuple[str, ...] = Field((), description="words that must stand in no span: of prompts, answers, arguments")

    @model_validator(mode="after")
    def _some(self) -> Spans:
        if not (self.joins or self.kinds or self.models or self.tools or self.lacks):
            raise ValueError("give at least one of joins, kinds, models, tools, lacks")
        return self

    def judge(self, seen: Observation) -> Claim:
        if seen.spans is None:
            return Claim(None, "the target names no place where spans can be read: `spans` of a service")
        if not seen.spans:
            return Claim(False, "the traces of the calls have no span at all", fix="export spans over OTLP")
        parts = [claim for claim in self._claims(seen, seen.spans) if claim is not None]
        bad = [claim for claim in parts if claim.holds is False] or [claim for claim in parts if claim.holds is None]
        return bad[0] if bad else Claim(True, "; ".join(claim.detail for claim in parts))

    def _claims(self, seen: Observation, spans: Sequence[Span]) -> Iterable[Claim | None]:
        if self.joins or self.kinds:
            yield self._joined(seen, spans)
        if self.models:
            yield _models(seen, spans)
        if self.tools:
            yield _tools(seen, spans)
        if self.lacks:
            yield self._lacking(spans)

    def _joined(self, seen: Observation, spans: Sequence[Span]) -> Claim:
        """In one trace, and hanging together: each span's parent is there, or is the caller's own."""
        best: list[str] = []
        for trace in sorted({answer.trace_id for answer in seen.answers if answer.trace_id}):
            rows = [span for span in spans if span.trace_id == trace]
            there = {span.service for span in rows} | {span.kind for span in rows}
            missing = [name for name in (*self.joins, *self.kinds) if name not in there]
            known = {span.span_id for span in rows}
            torn = [span for span in rows if span.parent_id and span.parent_id not in known]
            # The harness's own call is the parent of the first span, and nobody has a span of that.
            torn = [span for span in torn if span.parent_id != caller_span(trace)]
            if torn and not missing:
                missing = [f"the parent of {torn[0].service}'s {torn[0].name}"]
            if not missing:
                services = len({span.service for span in rows})
                return Claim(True, f"one trace of {len(rows)} spans joins {services} services")
            if not best or len(missing) < len(best):
                best = missing
        text = f"no trace of a call has {', '.join(best)}"
        return Claim(False, text, _shown(spans), "hand traceparent on in HTTP headers, gRPC metadata and Kafka headers")

    def _lacking(self, spans: Sequence[Span]) -> Claim:
        for span in spans:
            for text in span.texts():
                word = next((word for word in self.lacks if word in text), None)
                if word is not None:
                    text = f"{word!r} stands in {span.service}'s span {span.name!r}"
                    return Claim(False, text, fix="put ids, counts and outcomes into spans, never what people write")
        return Claim(True, f"none of {len(self.lacks)} words in {len(spans)} spans")


def _models(seen: Observation, spans: Sequence[Span]) -> Claim:
    served = [call for call in seen.models or () if call.status == 200 and not call.aborted and not call.faults]
    if not served:
        return Claim(None, "no model answered: there is nothing to have a span")
    found = [span for span in spans if MODEL in span.attributes and not span.failed]
    have = Counter(_tokens(span) for span in found)
    want = Counter((call.trace_id, call.prompt_tokens, call.completion_tokens) for call in served)
    lost = list((want - have).elements())
    if lost:
        trace, prompt, completion = lost[0]
        return Claim(
            False,
            f"{len(lost)} of {len(served)} answers of models have no span with their tokens: "
            f"{prompt} + {completion} tokens in trace {trace or 'none'}",
            _shown(found),
            f"a span for each request to a model, with {MODEL}, {INPUT} and {OUTPUT}",
        )
    timeless = [span for span in found if span.end_ns <= span.start_ns]
    if timeless:
        return Claim(
            False, f"{timeless[0].name} took no time", _shown(timeless), "end the span when the answer is there"
        )
    return Claim(True, f"{len(served)} answers of models, each with a span and its tokens")


def _tokens(span: Span) -> tuple[str, int, int]:
    given, answered = span.attributes.get(INPUT, -1), span.attributes.get(OUTPUT, -1)
    return span.trace_id, given if isinstance(given, int) else -1, answered if isinstance(answered, int) else -1


def _tools(seen: Observation, spans: Sequence[Span]) -> Claim:
    if not seen.effects:
        return Claim(None, "no tool left an effect: there is nothing to have a span")
    found = [span for span in spans if TOOL in span.attributes]
    bare = [span for span in found if not span.attributes.get(VERSION) or not span.attributes.get(OUTCOME)]
    known = {str(effect.tool) for effect in seen.effects}
    bare = [span for span in bare if span.attributes[TOOL] in known]
    if bare:
        return Claim(
            False,
            f"{bare[0].service}'s span {bare[0].name!r} names no version or no outcome",
            _shown(bare),
            f"put {VERSION} and {OUTCOME} on the span of a tool call",
        )
    have = Counter((span.trace_id, str(span.attributes[TOOL])) for span in found)
    want = Counter((effect.trace_id, effect.tool) for effect in seen.effects)
    lost = list((want - have).elements())
    if lost:
        return Claim(
            False,
            f"{len(lost)} of {len(seen.effects)} effects have no span of a tool call: {lost[0][1]}",
            _shown(found),
            f"a span for each call of a tool, with {TOOL}, {VERSION} and {OUTCOME}",
        )
    return Claim(True, f"{len(seen.effects)} effects, each with a span that names tool, version and outcome")


def _shown(spans: Sequence[Span]) -> list[JsonValue]:
    return [
        {"service": span.service, "name": span.name, "kind": span.kind, "span": span.span_id, "parent": span.parent_id}
        for span in spans[:40]
    ]
