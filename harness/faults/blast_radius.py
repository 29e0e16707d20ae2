"""How far a fault may reach. Asked before anything is touched; a refusal is a ConfigError that names the rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.config import Config
from harness.core.errors import ConfigError
from harness.faults.fault import Injection, Site, request
from harness.faults.kube import Kube


@dataclass(frozen=True)
class BlastRadius:
    """The limits: victims a fault, and for a real cluster its context and the label of its namespace."""

    max_victims: int = 1
    context: str | None = None
    allowed_contexts: tuple[str, ...] = ()
    namespace_label: str = ""
    in_cluster: bool = False  # there is no context then: a pod's account decides

    @classmethod
    def of(cls, config: Config) -> BlastRadius:
        """The limits that windtunnel.toml sets."""
        real = config.target.kind == "kubernetes"
        kubernetes = config.target.kubernetes
        return cls(
            max_victims=config.suites.chaos.max_victims,
            context=kubernetes.context if real else None,
            allowed_contexts=kubernetes.allowed_contexts if real else (),
            namespace_label=kubernetes.namespace_label if real else "",
            in_cluster=real and kubernetes.in_cluster,
        )

    def check(self, injections: Sequence[Injection], site: Site) -> None:
        """Raises ConfigError for the first limit that `injections`, all active at once, would cross."""
        for injection in injections:
            if not injection.victims:
                raise ConfigError(f"fault {injection.kind} would hit nothing: its selection is empty")
            # Edges and models are no victims in this sense: what dies or stops is counted.
            if len(injection.victims) > self.max_victims and injection.kind in COUNTED:
                raise ConfigError(
                    f"fault {injection.kind} would hit {len(injection.victims)} at once: {injection.subject}",
                    hint=f"[suites.chaos] max_victims is {self.max_victims} in windtunnel.toml",
                )
        if site.target.kind == "kubernetes":
            self._real_cluster(site)

    def _real_cluster(self, site: Site) -> None:
        if not self.in_cluster and (self.context is None or self.context not in self.allowed_contexts):
            raise ConfigError(
                f"context {self.context or '(none)'} is not allowed to be broken",
                hint="name it under [target.kubernetes] context and allowed_contexts in windtunnel.toml",
            )
        kube = Kube.of(site)
        key, _, value = self.namespace_label.partition("=")
        url = f"{kube.base}/api/v1/namespaces/{kube.namespace}"
        labels = request(site, "GET", url, what="the namespace")["metadata"].get("labels") or {}
        if not key or key not in labels or (value and labels[key] != value):
            raise ConfigError(
                f"namespace {kube.namespace} does not carry the label {self.namespace_label or '(none set)'}",
                hint=f"kubectl label namespace {kube.namespace} {self.namespace_label}",
            )


COUNTED = frozenset({"pod_kill", "process_pause"})


def describe(injections: Sequence[Injection]) -> tuple[str, ...]:
    """The plan for people, one line a fault: what, on whom, with which parameters, and how it is undone."""
    lines = []
    for injection in injections:
        values = ", ".join(f"{key}={value}" for key, value in injection.params.model_dump().items())
        undo = f"{len(injection.undo)} undo step(s) on record" if injection.undo else "heals by itself"
        lines.append(f"{injection.kind} on {injection.subject} ({values}); {undo}")
    return tuple(lines)
