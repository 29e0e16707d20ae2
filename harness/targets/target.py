"""A target that is up: its services by URL, and how to be let in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.core.config import Config, Role, Service
from harness.core.errors import ConfigError


@dataclass(frozen=True)
class LiveService:
    """One service and where it answers (base URL without a trailing slash; `grpc` as host:port, where it has that)."""

    name: str
    url: str
    spec: Service
    grpc: str = ""


@dataclass(frozen=True)
class Target:
    """The system under test as the suites see it.

    `headers` must go with every request (authorisation). `kube_api` and `kubeconfig` are set where there is
    a cluster to break things in: the local one's, or a real one's.
    """

    name: str
    kind: str
    namespace: str
    services: Mapping[str, LiveService]
    headers: Mapping[str, str] = field(default_factory=dict)
    kube_api: str | None = None
    kubeconfig: str | None = None
    cluster_state: str | None = None  # state file of the local cluster, for harness.cluster.client.connect

    def service(self, name: str) -> LiveService:
        """The service called `name`. Raises ConfigError naming those there are."""
        if name not in self.services:
            raise ConfigError(
                f"the target has no service {name!r}",
                hint=f"windtunnel.toml has: {', '.join(sorted(self.services)) or 'none'}",
            )
        return self.services[name]

    def by_role(self, role: Role) -> tuple[LiveService, ...]:
        """Every service with `role`, in the order of windtunnel.toml."""
        return tuple(service for service in self.services.values() if service.spec.role == role)


def external_target(config: Config) -> Target:
    """The target of a configuration whose services have URLs of their own."""
    services = {
        name: LiveService(
            name, (spec.url or "").rstrip("/"), spec, (spec.grpc.address or "") if spec.grpc is not None else ""
        )
        for name, spec in config.target.services.items()
    }
    return Target(config.target.name, config.target.kind, config.target.namespace, services)
