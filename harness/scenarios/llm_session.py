"""One scenario's session on the mock LLM: its script, its faults, its journal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from harness.core.errors import ConfigError, InfraError
from harness.scenarios.model import Llm, Scenario
from harness.scenarios.observation import ModelCall

PAGE = 500
SETTLE_LOOKS = 20
SETTLE_PAUSE_S = 0.1


@dataclass(frozen=True)
class LlmSession:
    """A session of its own, so that scenarios may overlap on one server. `admin` is the URL of its API."""

    http: httpx.AsyncClient
    admin: str
    name: str

    async def prepare(self, scenario: Scenario) -> None:
        """Push the script and the faults. Raises ConfigError where the mock LLM refuses them."""
        llm: Llm = scenario.given.llm
        for part, document in (("script", llm.script), ("faults", llm.faults)):
            if document is not None:
                await self._put(f"sessions/{self.name}/{part}", document, f"{scenario.name}: given.llm.{part}")

    async def journal(self) -> list[dict[str, Any]]:
        """Every request of this session in the order of arrival, as the mock LLM wrote it down."""
        await self._settled()
        entries: list[dict[str, Any]] = []
        since = 0
        while True:
            try:
                response = await self.http.get(
                    f"{self.admin}/journal", params={"session": self.name, "since": since, "limit": PAGE}
                )
                response.raise_for_status()
                page = response.json()
                rows, following = page["entries"], int(page["next"])
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                raise InfraError(f"the journal of the mock LLM cannot be read: {error}") from None
            entries.extend(row for row in rows if row.get("session") == self.name)
            if len(rows) < PAGE or following <= since:
                # A line is written when its answer ends: one that was slow comes behind one that was quick.
                return sorted(entries, key=lambda entry: _number(entry.get("at")) or 0.0)
            since = following

    async def asked(self) -> int:
        """How many requests have come, those that are still open included."""
        try:
            response = await self.http.get(f"{self.admin}/sessions/{self.name}")
            return int(response.json().get("requests", 0)) if response.status_code == 200 else 0
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            raise InfraError(f"the mock LLM at {self.admin} cannot be asked for its session: {error}") from None

    async def _settled(self) -> None:
        """Wait a moment for requests whose client has left: the server has not written them down yet."""
        for _ in range(SETTLE_LOOKS):
            try:
                response = await self.http.get(f"{self.admin}/sessions/{self.name}")
                open_now = response.json().get("open", 0) if response.status_code == 200 else 0
            except (httpx.HTTPError, ValueError, AttributeError):
                return  # what cannot be read here fails where the journal is read
            if not open_now:
                return
            await asyncio.sleep(SETTLE_PAUSE_S)

    async def drop(self) -> None:
        """Forget the session; a mock LLM that cannot is none the worse for it."""
        try:
            await self.http.delete(f"{self.admin}/sessions/{self.name}")
        except httpx.HTTPError:
            pass

    async def _put(self, path: str, document: Any, what: str) -> None:
        try:
            response = await self.http.put(f"{self.admin}/{path}", json=document)
        except httpx.HTTPError as error:
            raise InfraError(f"the mock LLM at {self.admin} does not answer: {error}") from None
        if 400 <= response.status_code < 500:
            raise ConfigError(f"{what} is refused by the mock LLM: {response.text[:400]}")
        if response.status_code >= 500:
            raise InfraError(f"the mock LLM answered {response.status_code} to {what}: {response.text[:200]}")


def model_call(entry: dict[str, Any]) -> ModelCall:
    """A line of the journal as assertions see it."""
    return ModelCall(
        model=str(entry.get("model") or ""),
        status=int(entry.get("status") or 0),
        at=_number(entry.get("at")),
        duration_s=_number(entry.get("duration_s")),
        prompt_tokens=int(entry.get("prompt_tokens") or 0),
        completion_tokens=int(entry.get("completion_tokens") or 0),
        faults=tuple(str(fault) for fault in entry.get("faults") or ()),
        aborted=bool(entry.get("aborted")),
        trace_id=str(entry.get("trace_id") or ""),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
