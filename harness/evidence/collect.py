"""Collects what happened inside the target: the tools' ledgers and the mock LLM's journal."""

from __future__ import annotations

from typing import Any

import httpx

from harness.core.events import Effect, LlmCall, Note
from harness.evidence.recorder import Recorder

PAGE = 500


class Collector:
    """Reads each ledger and journal on from where it stopped, so that an entry is recorded once."""

    def __init__(self, http: httpx.AsyncClient, recorder: Recorder) -> None:
        self._http = http
        self._recorder = recorder
        self._ledger_seen: dict[str, set[str]] = {}
        self._journal_next: dict[str, int] = {}

    async def ledger(self, service: str, url: str, *, suite: str, scope: str = "", keep: bool = True) -> int:
        """Record the entries of the ledger at `url` that are new; returns how many.

        With `keep` False they are passed over: call so before a suite, to leave out what came earlier.
        A ledger that cannot be read is an event of its own: absent evidence must be seen.
        """
        try:
            response = await self._http.get(url)
            response.raise_for_status()
            entries: list[dict[str, Any]] = response.json()["entries"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            text = f"the ledger of {service} at {url} cannot be read: {type(error).__name__}: {error}"
            self._recorder.emit(Note(level="error", text=text), suite=suite, scope=scope)
            return 0
        seen = self._ledger_seen.setdefault(url, set())
        # A restarted tool counts from 1 again; its time tells such an entry from an old one.
        fresh = [entry for entry in entries if f"{entry.get('seq')}@{entry.get('at')}" not in seen]
        seen.update(f"{entry.get('seq')}@{entry.get('at')}" for entry in fresh)
        if keep:
            for entry in fresh:
                self._recorder.emit(
                    _effect(service, entry),
                    suite=suite,
                    scope=scope,
                    trace_id=str(entry.get("trace_id") or ""),
                )
        return len(fresh)

    async def journal(self, admin: str, *, suite: str, scope: str = "", keep: bool = True) -> int:
        """Record the new lines of the journal behind the mock LLM's admin URL; returns how many."""
        since = self._journal_next.get(admin, 0)
        count = 0
        while True:
            try:
                response = await self._http.get(f"{admin}/journal", params={"since": since, "limit": PAGE})
                response.raise_for_status()
                page = response.json()
                entries = page["entries"]
                following = int(page["next"])
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                text = f"the LLM journal at {admin} cannot be read: {type(error).__name__}: {error}"
                self._recorder.emit(Note(level="error", text=text), suite=suite, scope=scope)
                return count
            for entry in entries if keep else ():
                trace = str(entry.get("trace_id") or "")
                self._recorder.emit(_llm_call(entry), suite=suite, scope=scope, trace_id=trace)
            count += len(entries)
            self._journal_next[admin] = since = max(following, since)
            if len(entries) < PAGE:
                return count


def _effect(service: str, entry: dict[str, Any]) -> Effect:
    known = ("tool", "task_id", "agent_id", "idempotency_key", "arguments_sha256", "request_id", "outcome")
    values = {name: str(entry[name]) for name in known if entry.get(name) is not None}
    at = entry.get("at")
    return Effect(service=service, at=float(at) if isinstance(at, int | float) else None, **{"tool": "", **values})


def _llm_call(entry: dict[str, Any]) -> LlmCall:
    fields = {name: entry[name] for name in LlmCall.model_fields if name != "type" and entry.get(name) is not None}
    return LlmCall.model_validate(fields)
