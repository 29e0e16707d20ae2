"""The spans of a trace, from wherever the target keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import httpx

from harness.core.errors import InfraError
from harness.evidence.traces.span import Span, of_otlp


async def fetched(
    http: httpx.AsyncClient, url: str, trace_ids: Iterable[str], headers: Mapping[str, str]
) -> tuple[Span, ...]:
    """The spans of these traces. `url` has `{id}` for the trace; one that is not known has none.

    Raises InfraError where nobody answers, or answers something else than OTLP's JSON.
    """
    found: list[Span] = []
    for trace_id in sorted(set(trace_ids)):
        try:
            answer = await http.get(url.replace("{id}", trace_id), headers=dict(headers))
            if answer.status_code == 404:
                continue
            answer.raise_for_status()
            found.extend(of_otlp(answer.json()))
        except (httpx.HTTPError, ValueError) as error:
            raise InfraError(f"the spans at {url} cannot be read: {error}") from None
    return tuple(sorted(found, key=lambda span: span.start_ns))
