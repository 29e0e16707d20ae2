"""How fast an autoscaler may scale."""

from __future__ import annotations

from collections import deque
from typing import Any

from harness.cluster.controllers.scaling import Told, behaved

LIMITS: dict[str, Any] = {"minReplicas": 2, "maxReplicas": 20}


def test_up_at_once_within_the_default_policies() -> None:
    told: deque[Told] = deque()
    assert behaved(LIMITS, 2, 20, told, 0.0) == (6, "ScaleUpLimit")  # four pods, which is more than 100 %
    assert behaved(LIMITS, 6, 20, told, 5.0) == (6, "ScaleUpLimit")  # the same 15 s
    assert behaved(LIMITS, 6, 20, told, 16.0) == (12, "ScaleUpLimit")  # 100 %


def test_down_only_when_nothing_asked_for_more_for_five_minutes() -> None:
    told: deque[Told] = deque()
    assert behaved(LIMITS, 6, 6, told, 0.0)[0] == 6
    assert behaved(LIMITS, 6, 2, told, 10.0)[0] == 6
    assert behaved(LIMITS, 6, 2, told, 299.0)[0] == 6
    assert behaved(LIMITS, 6, 2, told, 301.0)[0] == 2


def test_a_policy_of_one_s_own() -> None:
    down = {"stabilizationWindowSeconds": 0, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}
    spec = {**LIMITS, "behavior": {"scaleDown": down}}
    told: deque[Told] = deque()
    assert behaved(spec, 6, 2, told, 0.0) == (5, "ScaleDownLimit")
    assert behaved(spec, 5, 2, told, 30.0) == (5, "ScaleDownLimit")
    assert behaved(spec, 5, 2, told, 61.0) == (4, "ScaleDownLimit")


def test_a_direction_that_is_disabled_and_the_limits() -> None:
    spec = {**LIMITS, "behavior": {"scaleUp": {"selectPolicy": "Disabled"}}}
    assert behaved(spec, 3, 9, deque(), 0.0)[0] == 3
    assert behaved(LIMITS, 1, 1, deque(), 0.0) == (2, "TooFewReplicas")
    assert behaved({**LIMITS, "maxReplicas": 4}, 3, 9, deque(), 0.0) == (4, "TooManyReplicas")
