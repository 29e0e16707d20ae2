"""What a control comes to, and the target that it is run against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.app.control import _chosen, controlled, unfit
from harness.app.judgement import Judged
from harness.app.workspace import Workspace, open_workspace
from harness.chaos.experiment import find
from harness.core.errors import ConfigError
from harness.core.findings import Finding
from harness.core.verdict import Verdict

ROOT = Path(__file__).parents[3]


@pytest.fixture
def workspace() -> Workspace:
    return open_workspace(ROOT / "windtunnel.toml")


def judged(*verdicts: Verdict, scope: str = "pod-kill") -> Judged:
    findings = tuple(
        Finding(id=f"chaos/{scope}/{n}", suite="chaos", scope=scope, title="t", verdict=verdict, summary="s")
        for n, verdict in enumerate(verdicts)
    )
    run: Any = type("Run", (), {"path": Path("reports/r1")})
    return Judged(run, findings, Verdict.PASS, 0)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (judged(Verdict.PASS, Verdict.FAIL), Verdict.PASS),
        (judged(Verdict.PASS, Verdict.PASS), Verdict.FAIL),
        (judged(Verdict.PASS, Verdict.INFRA), Verdict.INCONCLUSIVE),
        (judged(), Verdict.INCONCLUSIVE),
        (judged(Verdict.FAIL, scope="another"), Verdict.INCONCLUSIVE),
    ],
)
def test_only_a_failure_of_the_experiments_own_is_red(found: Judged, verdict: Verdict) -> None:
    assert controlled("pod-kill", found).verdict is verdict


def test_the_unfit_target_has_the_controls_environment_beside_its_own(workspace: Workspace) -> None:
    (experiment,) = find(ROOT / "chaos", ("pod-kill",))
    assert experiment.extension.control
    local = workspace.config.target.local.model_copy(update={"env": {"*": {"A": "1"}, "redis": {"B": "2"}}})
    target = workspace.config.target.model_copy(update={"local": local})
    mine = replace(workspace, config=workspace.config.model_copy(update={"target": target}))
    env = unfit(mine, experiment).config.target.local.env
    assert env == {"*": {"A": "1", **experiment.extension.control}, "redis": {"B": "2"}}
    assert mine.config.target.local.env["*"] == {"A": "1"}


def test_an_experiment_without_a_control_is_a_mistake_only_when_it_was_named(workspace: Workspace) -> None:
    chosen = _chosen(workspace, ())
    assert chosen and all(experiment.extension.control for experiment in chosen)
    without = next(each.name for each in find(ROOT / "chaos", ()) if not each.extension.control)
    with pytest.raises(ConfigError, match=f"{without} names no control"):
        _chosen(workspace, (without,))
