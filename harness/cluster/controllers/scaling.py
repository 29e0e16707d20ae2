"""How fast an autoscaler may scale: limits, stabilization windows and policies. Pure."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from harness.cluster.manifests.documents import Json

_UP: Json = {"stabilizationWindowSeconds": 0, "selectPolicy": "Max",
             "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15},
                          {"type": "Percent", "value": 100, "periodSeconds": 15}]}  # fmt: skip
_DOWN: Json = {"stabilizationWindowSeconds": 300, "selectPolicy": "Max",
               "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """At a moment (seconds), how many pods were asked for, and how many it was scaled to from how many."""

    at: float
    wanted: int
    before: int
    after: int


def behaved(spec: Json, now: int, wanted: int, told: deque[Told], at: float) -> tuple[int, str]:
    """How many pods there may be now when `wanted` are asked for, and why that is limited, if it is.

    `told` is what was said before, and gets what is said now.
    """
    behavior = spec.get("behavior") or {}
    up, down = {**_UP, **(behavior.get("scaleUp") or {})}, {**_DOWN, **(behavior.get("scaleDown") or {})}
    least, most = int(spec.get("minReplicas") or 1), int(spec["maxReplicas"])
    longest = max(
        float(up["stabilizationWindowSeconds"]), float(down["stabilizationWindowSeconds"]), *_periods(up, down)
    )
    while told and told[0].at < at - longest:
        told.popleft()
    lowest = min([wanted, *(t.wanted for t in told if t.at >= at - float(up["stabilizationWindowSeconds"]))])
    highest = max([wanted, *(t.wanted for t in told if t.at >= at - float(down["stabilizationWindowSeconds"]))])
    count = lowest if lowest > now else highest if highest < now else now
    limited = ""
    if count > now:
        ceiling = _limit(up, told, at, now, +1)
        count, limited = (ceiling, "ScaleUpLimit") if count > ceiling else (count, "")
    elif count < now:
        floor = _limit(down, told, at, now, -1)
        count, limited = (floor, "ScaleDownLimit") if count < floor else (count, "")
    if count > most:
        count, limited = most, "TooManyReplicas"
    elif count < least:
        count, limited = least, "TooFewReplicas"
    told.append(Told(at, wanted, now, count))
    return count, limited


def _limit(rules: Json, told: deque[Told], at: float, now: int, way: int) -> int:
    """The most (or, downwards, the fewest) pods that the policies allow now."""
    if rules["selectPolicy"] == "Disabled":
        return now
    limits: list[int] = []
    for policy in rules["policies"]:
        moved = sum(
            way * (t.after - t.before)
            for t in told
            if t.at > at - policy["periodSeconds"] and way * (t.after - t.before) > 0
        )
        start = now - way * moved
        step = int(policy["value"]) if policy["type"] == "Pods" else math.ceil(start * policy["value"] / 100)
        limits.append(start + way * step)
    far = (rules["selectPolicy"] == "Max") == (way > 0)
    allowed = max(limits) if far else min(limits)
    return max(now, allowed) if way > 0 else max(0, min(now, allowed))


def _periods(*rules: Json) -> list[float]:
    return [float(policy["periodSeconds"]) for rule in rules for policy in rule["policies"]]
