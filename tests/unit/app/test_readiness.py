"""A [readiness] that nothing can be decided by is told before a run, not after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.app.readiness import EVERY_SUITE, check_settings
from harness.app.workspace import open_workspace
from harness.core.clock import ManualClock
from harness.core.config import Config, Readiness
from harness.core.errors import ConfigError

ROOT = Path(__file__).parents[3]
SUITES = sorted(EVERY_SUITE)


def config(**readiness: Any) -> Config:
    found = open_workspace(ROOT / "windtunnel.toml").config
    return found.model_copy(update={"readiness": Readiness(**readiness)})


@pytest.mark.parametrize(
    "wrong",
    [
        {"manifests": ["no/such/folder"]},
        {"require": ["REL-99"]},
        {"waivers": [{"item": "DEP-99", "reason": "there is no such item", "until": "2030-01-01"}]},
    ],
)
def test_a_mistake_is_told_before_a_run_of_every_suite_only(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        check_settings(SUITES, config(**wrong), ManualClock())
    check_settings(["load"], config(**wrong), ManualClock())


def test_the_settings_of_this_repository_are_fit() -> None:
    check_settings(SUITES, open_workspace(ROOT / "windtunnel.toml").config, ManualClock())
