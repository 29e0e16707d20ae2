"""Faults in the mock LLM's plan, through its admin API, and the canary that proves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from harness.core.errors import ConfigError, InfraError
from harness.faults.fault import Site, request
from harness.faults.undo_steps import HttpStep

CANARY_SESSION = "windtunnel-canary"


@dataclass(frozen=True)
class Canary:
    """What one LLM request of the harness's own came to. `status` is 0 where the connection broke."""

    status: int
    seconds: float
    retry_after: str = ""


@dataclass(frozen=True)
class MockLlm:
    """The LLM service of the target. Raises ConfigError where it has none with an admin API."""

    site: Site
    url: str
    admin: str

    @classmethod
    def of(cls, site: Site) -> MockLlm:
        for service in site.target.by_role("llm"):
            if service.spec.admin:
                return cls(site, service.url, service.url + service.spec.admin)
        raise ConfigError("an LLM fault needs the mock LLM", hint='give a service role = "llm" and admin = "/_mock"')

    def plan(self) -> list[Any]:
        """The faults that are in the plan now."""
        body = request(self.site, "GET", f"{self.admin}/faults", what="the mock LLM's fault plan")
        faults = body.get("faults") if isinstance(body, dict) else None
        if not isinstance(faults, list):
            raise InfraError(f"{self.admin}/faults answered no `faults` list")
        return faults

    def put(self, faults: list[Any]) -> None:
        """Replace the plan."""
        request(self.site, "PUT", f"{self.admin}/faults", {"faults": faults}, what="the mock LLM's fault plan")

    def undo(self, before: list[Any]) -> HttpStep:
        """The step that puts the plan of `before` back."""
        body = {"faults": before}
        return HttpStep("PUT", f"{self.admin}/faults", ok=(200, 204), body=body, state_file=self.site.state_file)

    def struck(self, kind: str) -> int:
        """How many canary requests the mock LLM's journal says a fault of `kind` struck."""
        page = request(
            self.site,
            "GET",
            f"{self.admin}/journal?session={CANARY_SESSION}&limit=10000",
            what="the mock LLM's journal",
        )
        return sum(kind in row.get("faults", ()) for row in page["entries"] if row.get("session") == CANARY_SESSION)

    def canary(self, model: str, timeout_s: float) -> Canary:
        """Ask `model` one question, as any client would, and time it.

        The session is its own, so that the answer uses up nothing of a script; a plan for all sessions
        strikes it nevertheless.
        """
        began = self.site.clock.monotonic()
        body = {"model": model, "messages": [{"role": "user", "content": "canary"}], "max_tokens": 1}
        try:
            response = self.site.http.post(
                f"{self.url}/v1/chat/completions",
                json=body,
                headers={"Authorization": "Bearer canary", "x-mock-session": CANARY_SESSION},
                timeout=timeout_s,
            )
            status, retry_after = response.status_code, response.headers.get("retry-after", "")
        except httpx.HTTPError:
            status, retry_after = 0, ""
        return Canary(status, self.site.clock.monotonic() - began, retry_after)
