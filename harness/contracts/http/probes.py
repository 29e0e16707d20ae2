"""Health and readiness: what an orchestrator asks before it sends traffic or restarts a pod."""

from __future__ import annotations

from dataclasses import dataclass

from harness.contracts.http.exchange import Caller
from harness.contracts.promises import Promises
from harness.core.config import Service
from harness.targets.fields import pick

PROBE_TIMEOUT_S = 2.0  # twice Kubernetes' default timeoutSeconds


@dataclass(frozen=True)
class Probes:
    """Checks the declared probes of one service that is up."""

    anonymous: Caller
    promises: Promises
    spec: Service

    async def check(self) -> None:
        """Ask each declared probe without credentials, as a kubelet does."""
        for kind, path in (("health", self.spec.health), ("ready", self.spec.ready)):
            if path is None:
                self.promises.not_applicable(f"{kind}: no path is declared")
                continue
            answer = await self.anonymous.send("GET", path, timeout_s=PROBE_TIMEOUT_S)
            self.promises.judge(
                answer.code == 200,
                f"probes.{kind}",
                f"GET {path}",
                f"{kind} answers 200 without credentials while the service is up",
                detail=answer.outcome,
                payload=answer.payload(),
                replay=answer.curl(),
                fix="answer 200 without asking for a token, from memory (health) or after asking what the "
                "service depends on (ready)",
            )
            if kind == "health" and self.spec.health_reports:
                missing = [name for name in self.spec.health_reports if pick(answer.document, name) is None]
                self.promises.judge(
                    not missing,
                    "probes.health.reports",
                    f"GET {path}",
                    "health reports what it should",
                    detail=f"without {', '.join(missing)}" if missing else ", ".join(self.spec.health_reports),
                    payload=answer.payload(),
                    replay=answer.curl(),
                    fix="say in health's JSON how the LLM client stands; 200 all the same: a restart mends no provider",
                )
