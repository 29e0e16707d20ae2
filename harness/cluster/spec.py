"""What a local cluster is asked to be."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.core.config import Config, Image


class ClusterSpec(BaseModel):
    """Everything the cluster's own process needs; it is handed over as one JSON file.

    `env` gives a workload (or `*`, all of them) more environment variables; `ports` fixes the port at which a
    service answers callers from outside, which otherwise is a free one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    namespace: str
    root: Path
    manifests: tuple[Path, ...]
    images: dict[str, Image]
    env: dict[str, dict[str, str]] = {}
    ports: dict[str, int] = {}
    ready_timeout_s: float = 60.0
    config_file: str = "windtunnel.toml"

    @classmethod
    def of(cls, config: Config, *, name: str, config_file: str = "windtunnel.toml") -> ClusterSpec:
        """The cluster that windtunnel.toml describes under [target.local]."""
        local = config.target.local
        return cls(
            name=name,
            namespace=config.target.namespace,
            root=config.root,
            manifests=tuple(config.path(path) for path in local.manifests),
            images=local.images,
            env=local.env,
            ports=local.ports,
            ready_timeout_s=local.ready_timeout_s,
            config_file=config_file,
        )
