"""A workload is scaled to nothing: its service is there, and nobody answers."""

from __future__ import annotations

from pydantic import Field

from harness.core.errors import ConfigError
from harness.faults.fault import FAULTS, Injection, Params, Site, Witnessed, request
from harness.faults.kube import Kube
from harness.faults.undo_steps import HttpStep

PATCH = {"content-type": "application/merge-patch+json"}


class WorkloadOutageParams(Params):
    """`workload` (a Deployment or StatefulSet) has no pod while the fault is in."""

    workload: str
    timeout_s: float = Field(30.0, gt=0)  # how long the witness waits for the pods to end


@FAULTS.register("workload_outage")
class WorkloadOutage:
    """Witness: no pod of the workload is ready any more. Undo: as many replicas as there were."""

    params = WorkloadOutageParams

    def plan(self, params: WorkloadOutageParams, site: Site) -> Injection:
        kube = Kube.of(site)
        resource, body = kube.workload(params.workload)
        replicas = int(body["spec"].get("replicas", 1))
        if replicas < 1:
            raise ConfigError(f"{params.workload} has no replicas to take away")
        url = kube.url("apps/v1", resource, params.workload)
        return Injection(
            kind="workload_outage",
            subject=f"{params.workload} ({replicas} pods)",
            params=params,
            victims=(params.workload,),
            undo=(
                HttpStep(
                    "PATCH",
                    url,
                    ok=(200,),
                    body={"spec": {"replicas": replicas}},
                    headers=dict(PATCH),
                    state_file=site.state_file,
                ),
            ),
            facts={"url": url, "selector": kube.selector_of(params.workload)},
        )

    def inject(self, injection: Injection, site: Site) -> None:
        url = str(injection.facts["url"])
        request(site, "PATCH", url, {"spec": {"replicas": 0}}, what="scaling to nothing", **PATCH)

    def witness(self, injection: Injection, site: Site) -> Witnessed:
        assert isinstance(injection.params, WorkloadOutageParams)
        kube = Kube.of(site)
        selector = str(injection.facts["selector"])

        def none_ready() -> bool:
            return not any(pod.ready for pod in kube.pods(selector))

        seen = bool(site.wait_for(none_ready, injection.params.timeout_s))
        ready = sum(pod.ready for pod in kube.pods(selector))
        return Witnessed("ready pods", seen and ready == 0, {"ready": ready}, f"{ready} pods are ready")
