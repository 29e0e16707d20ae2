"""What the suite tells the runner of one experiment: one JSON line on its standard input."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.core.config import Config
from harness.core.seed import Seed
from harness.faults.blast_radius import BlastRadius
from harness.targets.target import LiveService, Target


class Job(BaseModel):
    """One experiment to run. It may carry secrets (`headers`), so it is never written to disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: Path
    run_dir: Path
    state: Path
    config: Config
    urls: dict[str, str]
    headers: dict[str, str]
    kube_api: str | None
    kubeconfig: str | None
    cluster_state: str | None
    seed: int
    path: tuple[str, ...]
    unique: str  # keeps keys, sessions and fault ids apart from those of other runs

    @classmethod
    def of(cls, experiment: Path, config: Config, target: Target, seed: Seed, *, run_dir: Path, state: Path) -> Job:
        """The job of running one experiment of a run against `target`."""
        return cls(
            experiment=experiment.resolve(),
            run_dir=run_dir.resolve(),
            state=state.resolve(),
            config=config,
            urls={name: service.url for name, service in target.services.items()},
            headers=dict(target.headers),
            kube_api=target.kube_api,
            kubeconfig=target.kubeconfig,
            cluster_state=target.cluster_state,
            seed=seed.value,
            path=(*seed.path, experiment.stem),
            unique=f"{run_dir.name}-{experiment.stem}",
        )

    def target(self) -> Target:
        """The target, as the suite saw it."""
        services: Mapping[str, LiveService] = {
            name: LiveService(name, url, self.config.target.services[name]) for name, url in self.urls.items()
        }
        return Target(
            name=self.config.target.name,
            kind=self.config.target.kind,
            namespace=self.config.target.namespace,
            services=services,
            headers=self.headers,
            kube_api=self.kube_api,
            kubeconfig=self.kubeconfig,
            cluster_state=self.cluster_state,
        )

    def randomness(self) -> Seed:
        """The seed of this experiment."""
        return Seed(self.seed, self.path)

    def radius(self) -> BlastRadius:
        """How far its faults may reach."""
        return BlastRadius.of(self.config)
