"""The edges of the local cluster: their faults and their counters, through its control API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.core.errors import InfraError
from harness.faults.fault import Site, request
from harness.faults.undo_steps import HttpStep


class _State(BaseModel):
    model_config = ConfigDict(extra="ignore")

    control: str
    token: str


@dataclass(frozen=True)
class Edges:
    """The control API of one local cluster, by plain HTTP, so that an undo step can name its URLs."""

    site: Site
    control: str
    token: str

    @classmethod
    def of(cls, site: Site) -> Edges:
        """Raises InfraError where the target is no local cluster, or one that is gone."""
        if not site.state_file:
            raise InfraError(
                "edges can be broken, and are counted, on a local cluster only",
                hint="on a real cluster use Chaos Mesh's NetworkChaos through chaosk8s.chaosmesh",
            )
        try:
            state = _State.model_validate_json(Path(site.state_file).read_text())
        except (OSError, ValidationError) as error:
            raise InfraError(f"the state of the local cluster cannot be read: {error}", hint="windtunnel up") from None
        return cls(site, state.control, state.token)

    def rows(self, source: str, service: str) -> list[Any]:
        """The edges from `source` (a workload, or `client`) to `service`."""
        body = request(
            self.site, "GET", f"{self.control}/edges", what="the edges", authorization=f"Bearer {self.token}"
        )
        return [
            row for row in body["edges"] if row["service"] == service and source in (row["source"], row["workload"])
        ]

    def pods(self, workload: str) -> list[Any]:
        """The pods of `workload`, as the control API shows them."""
        url = f"{self.control}/status"
        status = request(self.site, "GET", url, what="the pods", authorization=f"Bearer {self.token}")
        return [pod for pod in status["pods"] if pod["workload"] == workload]

    def counted(self, source: str, service: str, names: Sequence[str]) -> float:
        """The sum of the counters `names` over the edges from `source` to `service`."""
        return float(sum(row["witness"][name] for row in self.rows(source, service) for name in names))

    def put(self, name: str, fault: dict[str, Any], *, source: str | None, service: str) -> None:
        """Put a fault on edges. Raises InfraError."""
        request(
            self.site,
            "PUT",
            f"{self.control}/faults/{name}",
            {"source": source, "service": service, "fault": fault},
            what=f"the edges to {service}",
            authorization=f"Bearer {self.token}",
        )

    def undo(self, name: str) -> HttpStep:
        """The step that takes the fault off again. A new cluster at that port refuses the old one's token:
        then the edges of the old one are gone."""
        return HttpStep(
            "DELETE",
            f"{self.control}/faults/{name}",
            ok=(200, 401, 404),
            headers={"authorization": f"Bearer {self.token}"},
            state_file=self.site.state_file,
        )
