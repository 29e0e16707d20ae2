"""The local cluster reads our kustomizations as kustomize itself does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cluster.manifests.kustomize import load

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl here")


def _by_name(documents: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    named = {(body["kind"], body["metadata"]["name"]): body for body in documents}
    assert len(named) == len(documents)
    return named


@pytest.mark.parametrize("folder", ["base", "overlays/local"])
def test_our_manifests_come_to_the_same(folder: str) -> None:
    path = ROOT / "reference_agents" / "k8s" / folder
    done = subprocess.run(["kubectl", "kustomize", str(path)], capture_output=True, text=True, timeout=60, check=True)
    theirs = _by_name(list(yaml.safe_load_all(done.stdout)))
    ours = _by_name([document.body for document in load(path)])
    assert ours.keys() == theirs.keys()
    for name, body in theirs.items():
        assert ours[name] == body, name
