"""Chaos Mesh's NetworkChaos, PodChaos and StressChaos, as far as they mean something on edges and processes."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from harness.cluster.edges.faults import EdgeFault
from harness.cluster.manifests.documents import Json
from harness.cluster.policies import CLIENT
from harness.cluster.selectors import matches

_SIZES = {"": 1, "B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_UNITS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}


def milliseconds(text: str | None) -> float:
    """A Go duration (`90ms`, `1m30s`) in milliseconds. Raises ValueError for one that is none."""
    if not text:
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", text)
    if "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"not a duration: {text!r}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def size_of(text: str, limit: int) -> int:
    """`256MB`, `1GB` or `50%` (of `limit`) in bytes. Raises ValueError for what is none, or a share of nothing."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([KMGT]?)i?B?|(%))", text.strip())
    if match is None or (match[3] and not limit):
        raise ValueError(f"spec.stressors.memory.size: not a size: {text!r}")
    return int(float(match[1]) * (limit / 100 if match[3] else _SIZES[match[2] or ""]))


def stressors_wrong(spec: Json) -> str:
    """What is wrong with a StressChaos' stressors; empty when nothing is."""
    stressors = spec.get("stressors") or {}
    if not {"cpu", "memory"} & set(stressors):
        return "spec.stressors: Required value: cpu or memory"
    try:
        for kind, names in (("cpu", ("workers", "load")), ("memory", ("workers",))):
            for name in names:
                int((stressors.get(kind) or {}).get(name, 1))
        size_of(str((stressors.get("memory") or {}).get("size", "1")), limit=1)
    except (ValueError, TypeError) as error:
        return f"spec.stressors: {error}"
    return ""


def network_fault(spec: Json) -> EdgeFault:
    """The fault that a NetworkChaos asks of each edge. Raises ValueError for an action that has none here."""
    action = spec.get("action")
    if action == "delay":
        delay = spec.get("delay") or {}
        return EdgeFault(
            kind="delay",
            direction="up",
            delay_ms=milliseconds(delay.get("latency")),
            jitter_ms=milliseconds(delay.get("jitter")),
        )
    if action == "partition":
        return EdgeFault(kind="black_hole")
    if action == "loss":
        loss = float((spec.get("loss") or {}).get("loss", 0))
        return EdgeFault(kind="black_hole") if loss >= 100 else EdgeFault(kind="loss", loss_percent=loss)
    if action == "corrupt":  # what arrives broken is dropped for its checksum, and sent again
        return EdgeFault(kind="loss", loss_percent=min(99.0, float((spec.get("corrupt") or {}).get("corrupt", 0))))
    if action == "bandwidth":
        rate = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)bps", str((spec.get("bandwidth") or {}).get("rate", "")))
        if rate is None:
            raise ValueError("spec.bandwidth.rate: expected for example 1mbps")
        return EdgeFault(kind="bandwidth", bytes_per_s=float(rate[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[rate[2]])
    raise ValueError(f"spec.action: {action!r} is not one of delay, partition, loss, bandwidth")


def selected(
    selector: Json | None, mode: str | None, value: str | None, pods: Iterable[Json], rng: random.Random
) -> list[str]:
    """The names of the pods that a Chaos Mesh selector and mode pick."""
    selector = selector or {}
    spaces = selector.get("namespaces")
    hit = [
        pod
        for pod in pods
        if (not spaces or pod["metadata"].get("namespace") in spaces)
        and matches(selector.get("labelSelectors") or {}, pod["metadata"].get("labels"))
    ]
    named = {name for names in (selector.get("pods") or {}).values() for name in names}
    names = sorted(pod["metadata"]["name"] for pod in hit if not named or pod["metadata"]["name"] in named)
    if mode == "one":
        return [rng.choice(names)] if names else []
    if mode == "fixed":
        return rng.sample(names, min(len(names), int(value or 1)))
    if mode == "fixed-percent":
        return rng.sample(names, len(names) * int(value or 0) // 100)
    return names


def on_edge(spec: Json, chosen: set[str], targets: set[str] | None, source: str, behind: set[str]) -> bool:
    """Does a NetworkChaos concern the edge from `source` to a service with the pods `behind`?

    direction `to`: from the chosen pods to the targets (to anybody, without targets); `from`: the other way.
    """
    direction = spec.get("direction", "to")
    out = source in chosen and (targets is None or bool(behind & targets))
    back = bool(behind & chosen) and (targets is None or source in targets) and (targets is None or source != CLIENT)
    if targets is None:
        return out or bool(behind & chosen)
    return (direction in ("to", "both") and out) or (direction in ("from", "both") and back)
