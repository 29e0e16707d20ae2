"""Gathers what a run showed: the answers, the mock LLM's journal, the tools' ledgers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx
from pydantic import JsonValue

from harness.core.errors import InfraError
from harness.evidence.traces.fetching import fetched
from harness.evidence.traces.span import Span
from harness.scenarios.observation import Answer, EffectSeen, ToolCall
from harness.targets.fields import pick
from harness.targets.target import Target

CALLS_FIELD = "tool_calls"
GOOD_WORDS = ("ok", "success", "succeeded", "completed")


async def effects(
    http: httpx.AsyncClient, target: Target, answers: Sequence[Answer], traces: Iterable[str] = ()
) -> tuple[EffectSeen, ...] | None:
    """The effects of these tasks in every ledger, by task id or trace; None where there is no ledger."""
    ledgers = [service for service in target.services.values() if service.spec.ledger]
    if not ledgers:
        return None
    tasks = {answer.task_id for answer in answers if answer.task_id}
    traced = {answer.trace_id for answer in answers} | set(traces)
    found: list[EffectSeen] = []
    for service in ledgers:
        url = service.url + (service.spec.ledger or "")
        try:
            response = await http.get(url, headers=dict(target.headers))
            response.raise_for_status()
            entries: list[dict[str, Any]] = response.json()["entries"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise InfraError(f"the ledger of {service.name} cannot be read: {error}") from None
        found.extend(
            _effect(entry) for entry in entries if entry.get("task_id") in tasks or entry.get("trace_id") in traced
        )
    return tuple(sorted(found, key=lambda effect: effect.at or 0))


async def spans(http: httpx.AsyncClient, target: Target, answers: Sequence[Answer]) -> tuple[Span, ...] | None:
    """The spans of the answers' traces; None where no service says where they are."""
    service = next((service for service in target.services.values() if service.spec.spans), None)
    if service is None:
        return None
    traces = {answer.trace_id for answer in answers if answer.trace_id}
    return await fetched(http, service.url + (service.spec.spans or ""), traces, target.headers)


def trajectory(answers: Iterable[Answer], journal: Iterable[Mapping[str, Any]] | None) -> tuple[ToolCall, ...] | None:
    """The tool calls of a run: as the service reports them in its answers, else as the LLM asked for them.

    A service's own report says how each call ended; the journal only what was asked for. None without both.
    """
    reported = [call for answer in answers for call in _reported(answer)]
    if reported:
        return tuple(reported)
    if journal is None:
        return None
    return tuple(call for turn, entry in enumerate(journal) for call in _asked(turn, entry.get("tools_called") or ()))


def _reported(answer: Answer) -> Iterable[ToolCall]:
    rows = pick(answer.body, CALLS_FIELD)
    for n, row in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(row, dict):
            continue
        error = row.get("error")
        word = row.get("status", row.get("outcome"))
        ok = row.get("ok")
        if not isinstance(ok, bool):
            ok = not error and (word is None or str(word) in GOOD_WORDS)
        turn = row.get("step", row.get("turn", n))
        attempts = row.get("attempt", row.get("attempts"))
        yield ToolCall(
            tool=str(row.get("tool") or row.get("name") or ""),
            arguments=row.get("arguments", row.get("args")),
            turn=turn if isinstance(turn, int) else n,
            ok=ok,
            error=str(error or ""),
            attempts=attempts if isinstance(attempts, int) else None,
        )


def _asked(turn: int, names: Iterable[JsonValue]) -> Iterable[ToolCall]:
    for name in names:
        if isinstance(name, dict):
            yield ToolCall(str(name.get("name") or name.get("tool") or ""), name.get("arguments"), turn)
        else:
            yield ToolCall(str(name), None, turn)


def _effect(entry: Mapping[str, Any]) -> EffectSeen:
    at = entry.get("at")
    return EffectSeen(
        tool=str(entry.get("tool") or ""),
        task_id=str(entry.get("task_id") or ""),
        idempotency_key=str(entry.get("idempotency_key") or ""),
        arguments_sha256=str(entry.get("arguments_sha256") or ""),
        outcome=str(entry.get("outcome") or "ok"),
        at=float(at) if isinstance(at, int | float) else None,
        trace_id=str(entry.get("trace_id") or ""),
    )
