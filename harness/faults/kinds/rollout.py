"""A rolling restart, as by `kubectl rollout restart`: every pod of a Deployment is replaced, a few at a time."""

from __future__ import annotations

from pydantic import Field

from harness.core.errors import ConfigError
from harness.faults.fault import FAULTS, Injection, Params, Site, Witnessed, request
from harness.faults.kube import Kube

RESTARTED = "kubectl.kubernetes.io/restartedAt"
PATCH = "application/strategic-merge-patch+json"


class RolloutParams(Params):
    """`workload` names a Deployment."""

    workload: str
    timeout_s: float = Field(90.0, gt=0)  # how long the witness waits for the last replacement


@FAULTS.register("rollout")
class Rollout:
    """Witness: no pod of before is left, and as many are ready under other uids. Nothing is to be taken back."""

    params = RolloutParams

    def plan(self, params: RolloutParams, site: Site) -> Injection:
        kube = Kube.of(site)
        resource, _ = kube.workload(params.workload)
        if resource != "deployments":
            raise ConfigError(f"{params.workload} is no Deployment", hint="a rollout is of a Deployment")
        selector = kube.selector_of(params.workload)
        return Injection(
            kind="rollout",
            subject=f"every pod of {params.workload}, one rollout",
            params=params,
            victims=(params.workload,),
            facts={"selector": selector, "before": [pod.uid for pod in kube.pods(selector)]},
        )

    def inject(self, injection: Injection, site: Site) -> None:
        assert isinstance(injection.params, RolloutParams)
        kube, name = Kube.of(site), injection.params.workload
        body = {"spec": {"template": {"metadata": {"annotations": {RESTARTED: site.clock.wall().isoformat()}}}}}
        url = kube.url("apps/v1", "deployments", name)
        request(site, "PATCH", url, body, what=f"restart {name}", **{"Content-Type": PATCH})

    def witness(self, injection: Injection, site: Site) -> Witnessed:
        assert isinstance(injection.params, RolloutParams)
        kube = Kube.of(site)
        before, selector = set(injection.facts["before"]), injection.facts["selector"]
        began = site.clock.monotonic()

        def replaced() -> bool:
            pods = kube.pods(selector)
            fresh = [pod for pod in pods if pod.ready and pod.uid not in before]
            return not before & {pod.uid for pod in pods} and len(fresh) >= len(before)

        seen = bool(site.wait_for(replaced, injection.params.timeout_s))
        left = len(before & {pod.uid for pod in kube.pods(selector)})
        took = round(site.clock.monotonic() - began, 3)
        return Witnessed(
            "every pod replaced",
            seen,
            {"pods": len(before), "left": left, "replaced_after_s": took},
            f"{len(before) - left} of {len(before)} pods were replaced within {took:g} s",
        )
