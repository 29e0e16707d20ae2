"""A NetworkPolicy cuts one workload off from its callers."""

from __future__ import annotations

import hashlib

from harness.core.errors import InfraError
from harness.faults.edges import Edges
from harness.faults.fault import FAULTS, Injection, Params, Site, Witnessed, request
from harness.faults.kube import Kube
from harness.faults.undo_steps import HttpStep

POLICIES = "networking.k8s.io/v1"


class NetworkPartitionParams(Params):
    """`source` can no longer reach `destination` (both workloads); all else may."""

    source: str
    destination: str
    timeout_s: float = 15.0  # how long the witness waits for an attempt of the source's


@FAULTS.register("network_partition")
class NetworkPartition:
    """Egress of `source` to everything but `destination`'s pods is allowed by a policy of one name.

    Witness: the edge proxies between the two counted refused, held or reset connections since the injection;
    their counters are written by nobody who injects.
    """

    params = NetworkPartitionParams

    def plan(self, params: NetworkPartitionParams, site: Site) -> Injection:
        kube = Kube.of(site)
        source, destination = kube.labels_of(params.source), kube.labels_of(params.destination)
        digest = hashlib.sha256(f"{params.source}/{params.destination}".encode()).hexdigest()[:8]
        name = f"windtunnel-partition-{digest}"
        return Injection(
            kind="network_partition",
            subject=f"{params.source} -> {params.destination}",
            params=params,
            victims=(params.source,),
            undo=(HttpStep("DELETE", kube.url(POLICIES, "networkpolicies", name), state_file=site.state_file),),
            facts={
                "policy": _policy(name, kube.namespace, source, destination),
                "blocked_before": Edges.of(site).counted(params.source, params.destination, BLOCKED),
            },
        )

    def inject(self, injection: Injection, site: Site) -> None:
        url = Kube.of(site).url(POLICIES, "networkpolicies")
        request(site, "POST", url, injection.facts["policy"], what="the policy of a partition")

    def witness(self, injection: Injection, site: Site) -> Witnessed:
        params = injection.params
        assert isinstance(params, NetworkPartitionParams)
        edges = Edges.of(site)
        before = float(injection.facts["blocked_before"])

        def blocked() -> float:
            return edges.counted(params.source, params.destination, BLOCKED) - before

        count = float(site.wait_for(lambda: blocked() > 0, params.timeout_s) and blocked())
        detail = f"{count:g} connections from {params.source} to {params.destination} did not get through"
        return Witnessed("edge counters", count > 0, {"blocked": count}, detail)


BLOCKED = ("refused", "held", "reset")


def _policy(name: str, namespace: str, source: dict[str, str], destination: dict[str, str]) -> object:
    if not source or not destination:
        raise InfraError("a partition needs pods with labels on both sides")
    others = [
        {"podSelector": {"matchExpressions": [{"key": key, "operator": "NotIn", "values": [value]}]}}
        for key, value in destination.items()
    ]
    return {
        "apiVersion": POLICIES,
        "kind": "NetworkPolicy",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "windtunnel"},
        },
        "spec": {
            "podSelector": {"matchLabels": source},
            "policyTypes": ["Egress"],
            # A union of allows: every pod but the destination's, and names to look up.
            "egress": [{"to": others}, {"ports": [{"port": 53, "protocol": "UDP"}]}],
        },
    }
