"""NetworkPolicies: which pod may reach which. A pod that no policy selects is open; else the union of allows."""

from __future__ import annotations

from collections.abc import Iterable

from harness.cluster.manifests.documents import Json
from harness.cluster.selectors import matches

CLIENT = "client"  # callers from outside the cluster


def allowed(
    policies: Iterable[Json],
    source: Json | None,
    destination: Json,
    *,
    port: int,
    namespaces: dict[str, dict[str, str]],
) -> bool:
    """May `source` (a pod; None for a caller from outside) reach `port` (a container port) of `destination`?

    Follows networking.k8s.io/v1: ingress policies that select the destination, and egress policies that select
    the source, each a union; where none selects a pod in a direction, that direction is open.
    """
    policies = list(policies)
    ingress = [p for p in policies if _selects(p, destination, "Ingress")]
    if ingress and not any(
        _rule(rule, "from", source, port, destination, p, namespaces)
        for p in ingress
        for rule in p["spec"].get("ingress") or ()
    ):
        return False
    if source is None:
        return True
    egress = [p for p in policies if _selects(p, source, "Egress")]
    return not egress or any(
        _rule(rule, "to", destination, port, destination, p, namespaces)
        for p in egress
        for rule in p["spec"].get("egress") or ()
    )


def _selects(policy: Json, pod: Json, direction: str) -> bool:
    spec = policy.get("spec") or {}
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if "egress" in spec else ["Ingress"])
    return (
        direction in types
        and policy["metadata"].get("namespace") == pod["metadata"].get("namespace")
        and matches(spec.get("podSelector"), pod["metadata"].get("labels"))
    )


def _rule(
    rule: Json,
    side: str,
    peer: Json | None,
    port: int,
    destination: Json,
    policy: Json,
    namespaces: dict[str, dict[str, str]],
) -> bool:
    if rule.get("ports") and not any(_port(entry, port, destination) for entry in rule["ports"]):
        return False
    peers = rule.get(side)
    return not peers or any(_peer(entry, peer, policy, namespaces) for entry in peers)


def _port(entry: Json, port: int, destination: Json) -> bool:
    wanted = entry.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, str) and not wanted.isdigit():
        named = {
            p.get("name"): p["containerPort"]
            for container in destination["spec"].get("containers") or ()
            for p in container.get("ports") or ()
        }
        return named.get(wanted) == port
    return int(str(wanted)) <= port <= int(str(entry.get("endPort", wanted)))


def _peer(entry: Json, pod: Json | None, policy: Json, namespaces: dict[str, dict[str, str]]) -> bool:
    if "ipBlock" in entry:
        # Everything here lives on loopback; a block counts when it covers all addresses.
        return str(entry["ipBlock"].get("cidr")) in ("0.0.0.0/0", "::/0", "127.0.0.0/8")
    if pod is None:
        return False
    namespace = pod["metadata"].get("namespace", "")
    if "namespaceSelector" in entry:
        if not matches(entry["namespaceSelector"], namespaces.get(namespace, {})):
            return False
    elif namespace != policy["metadata"].get("namespace"):
        return False
    return "podSelector" not in entry or matches(entry["podSelector"], pod["metadata"].get("labels"))
