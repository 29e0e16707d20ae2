"""The basis of the checklist, from run directories and manifests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.cluster.manifests import kustomize
from harness.core.config import Config
from harness.core.errors import ConfigError
from harness.core.events import RunStarted, SuiteStarted
from harness.evidence.rundir import RunDir
from harness.readiness.item import Basis, Proof

LOOKED_BACK = 20  # runs


def basis_of(runs: Sequence[RunDir], config: Config) -> Basis:
    """The findings of `runs`, newest first: each suite's scope counts as its newest run has it. With the manifests that
    windtunnel.toml names. Raises ConfigError for manifests that are not there."""
    proofs: list[Proof] = []
    proves: dict[str, tuple[str, ...]] = {}
    seen: set[tuple[str, str]] = set()
    for run in runs:
        for event in run.starts():
            if isinstance(event.body, SuiteStarted):
                for item, patterns in event.body.proves.items():
                    proves[item] = tuple(dict.fromkeys((*proves.get(item, ()), *patterns)))
        findings = run.findings()
        proofs += [
            Proof(finding, run.meta.run_id) for finding in findings if (finding.suite, finding.scope) not in seen
        ]
        seen |= {(finding.suite, finding.scope) for finding in findings}
    paths = config.readiness.manifests or config.target.local.manifests
    manifests = [document for path in paths for document in kustomize.load(config.path(path))]
    return Basis(tuple(proofs), proves, tuple(manifests))


def earlier_runs(reports: Path, target: str) -> list[RunDir]:
    """The newest judged runs against `target` under `reports`, newest first."""
    found: list[RunDir] = []
    for folder in sorted(reports.glob("*/"), reverse=True):
        if len(found) == LOOKED_BACK:
            break
        try:
            run = RunDir.open(folder)
            if run.findings() and _target(run) == target:
                found.append(run)
        except (ConfigError, ValueError):
            continue  # no run, or one of another version: no evidence
    return found


def _target(run: RunDir) -> str:
    return next((event.body.target for event in run.starts() if isinstance(event.body, RunStarted)), "")
