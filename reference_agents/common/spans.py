"""OpenTelemetry spans: ids, names, tokens and outcomes; never a prompt, an argument, an answer or a key.

On where OTEL_EXPORTER_OTLP_ENDPOINT is set, and nearly free where it is not. Spans leave in batches from a thread of
their own: a collector that is away costs spans, not requests. Names and attributes follow the GenAI conventions
(gen_ai.*, https://opentelemetry.io/docs/specs/semconv/gen-ai/), with agent.*, llm.* and tool.* beside them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from reference_agents.common.context import CURRENT, Trace, current

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
EXPORT_S = 2.0
QUEUE = 4096
Kind = Literal["internal", "server", "client", "producer", "consumer"]

_tracer: Tracer | None = None


class Span(Protocol):
    """What is open at present."""

    def put(self, **attributes: str | int | float | bool) -> None:
        """Add attributes; `_` between words of a name stands for itself, `__` for a dot."""

    def rename(self, name: str) -> None:
        """A better name than the one that it began with."""

    def failed(self, why: str) -> None:
        """It came to no good end: `why` is a word or two, as error.type."""


class _Nothing:
    def put(self, **attributes: str | int | float | bool) -> None: ...

    def rename(self, name: str) -> None: ...

    def failed(self, why: str) -> None: ...


class _Open:
    def __init__(self, span: Any) -> None:
        self._span = span

    def put(self, **attributes: str | int | float | bool) -> None:
        self._span.set_attributes({name.replace("__", "."): value for name, value in attributes.items()})

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def failed(self, why: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_attribute("error.type", why)
        self._span.set_status(Status(StatusCode.ERROR))


NOTHING = _Nothing()


def configure(
    service: str, pod: str, env: Mapping[str, str] = os.environ, exporter: SpanExporter | None = None
) -> None:
    """Trace this process as `service`, to `exporter` or to the collector that `env` names; to nobody without one."""
    global _tracer
    if exporter is None and not env.get(ENDPOINT):
        _tracer = None
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    provider = TracerProvider(
        resource=Resource({"service.name": service, "service.instance.id": pod, "service.namespace": "reference"}),
        id_generator=_ids(),
    )
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        # A collector that is away is not worth a line of log for each batch, and these lines would be no JSON.
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
        logging.getLogger("opentelemetry").propagate = False
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_S), max_queue_size=QUEUE))
    _tracer = provider.get_tracer("reference_agents")


@contextlib.contextmanager
def span(name: str, kind: Kind = "internal", **attributes: str | int | float | bool) -> Iterator[Span]:
    """A span around what is done within, as a child of the present one; see Span.put for the names of attributes.

    What is raised within ends it as failed, with the exception's type and not its text, which may quote anything.
    """
    if _tracer is None:
        yield NOTHING
        return
    from opentelemetry.trace import SpanKind

    above = CURRENT.get(None)
    opened = _tracer.start_span(
        name, _parent(above), SpanKind[kind.upper()],
        {key.replace("__", "."): value for key, value in attributes.items()},
    )  # fmt: skip
    ids = opened.get_span_context()
    here = Trace(f"{ids.trace_id:032x}", above.baggage if above else "", f"{ids.span_id:016x}")
    token = CURRENT.set(here)
    shown = _Open(opened)
    try:
        yield shown
    except BaseException as error:
        shown.failed(type(error).__name__)
        raise
    finally:
        with contextlib.suppress(ValueError):  # an async generator may be closed from another context
            CURRENT.reset(token)
        opened.end()


def _parent(above: Trace | None) -> Any:
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    if above is None or not above.span_id:
        return Context()
    known = SpanContext(int(above.trace_id, 16), int(above.span_id, 16), True, TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(known), Context())


def _ids() -> Any:
    """Ids of our own: the first span of a trace belongs to the trace that the logs name already."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Ids(IdGenerator):
        def generate_trace_id(self) -> int:
            return int(current().trace_id, 16)

        def generate_span_id(self) -> int:
            return secrets.randbits(64) or 1

    return Ids()
