"""Kill pods at once, with no grace; their controller replaces them."""

from __future__ import annotations

from pydantic import Field

from harness.core.errors import ConfigError
from harness.faults.fault import FAULTS, Injection, Params, Site, Witnessed, request
from harness.faults.kube import Kube


class PodKillParams(Params):
    """`workload` names a Deployment or StatefulSet; `count` of its ready pods die, chosen by the seed."""

    workload: str
    count: int = Field(1, ge=1)
    timeout_s: float = Field(20.0, gt=0)  # how long the witness waits for the replacement


@FAULTS.register("pod_kill")
class PodKill:
    """Witness: every victim's uid is gone, and as many pods as before are ready under other uids."""

    params = PodKillParams

    def plan(self, params: PodKillParams, site: Site) -> Injection:
        kube = Kube.of(site)
        selector = kube.selector_of(params.workload)
        ready = sorted((pod for pod in kube.pods(selector) if pod.ready), key=lambda pod: pod.name)
        if len(ready) < params.count:
            raise ConfigError(
                f"{params.workload} has {len(ready)} ready pods, {params.count} were to be killed",
                hint="lower `count`, or wait until it is ready (windtunnel status)",
            )
        victims = site.rng.sample(ready, params.count)
        return Injection(
            kind="pod_kill",
            subject=", ".join(f"pod {pod.name}" for pod in victims),
            params=params,
            victims=tuple(pod.name for pod in victims),
            facts={
                "selector": selector,
                "uids": {pod.name: pod.uid for pod in victims},
                "before": [pod.uid for pod in ready],
            },
        )

    def inject(self, injection: Injection, site: Site) -> None:
        kube = Kube.of(site)
        for name in injection.victims:
            # The uid as a precondition: a replacement of the same name (StatefulSet) is never hit.
            options = {
                "gracePeriodSeconds": 0,
                "preconditions": {"uid": injection.facts["uids"][name]},
            }
            request(site, "DELETE", kube.url("v1", "pods", name), options, what=f"kill pod {name}")

    def witness(self, injection: Injection, site: Site) -> Witnessed:
        assert isinstance(injection.params, PodKillParams)
        kube = Kube.of(site)
        killed = set(injection.facts["uids"].values())
        before = set(injection.facts["before"])
        began = site.clock.monotonic()

        def replaced() -> bool:
            pods = kube.pods(injection.facts["selector"])
            fresh = [pod for pod in pods if pod.ready and pod.uid not in before]
            return not killed & {pod.uid for pod in pods} and len(fresh) >= len(killed)

        seen = bool(site.wait_for(replaced, injection.params.timeout_s))
        pods = kube.pods(injection.facts["selector"])
        gone = sorted(killed - {pod.uid for pod in pods})
        fresh = sorted(pod.name for pod in pods if pod.ready and pod.uid not in before)
        took = round(site.clock.monotonic() - began, 3)
        detail = f"{len(gone)} of {len(killed)} killed pods are gone, replaced by {', '.join(fresh) or 'none'}"
        return Witnessed(
            "pod uid gone, replacement ready",
            seen,
            {"gone": len(gone), "replacements": len(fresh), "replaced_after_s": took},
            detail,
        )
