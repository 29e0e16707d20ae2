"""The checklist of a real run: what holds on the stack as it should be fails on the stack with the flaw."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCENARIOS = ["model-fails-fallback-answers", "vendor-fails-another-answers"]


def windtunnel(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *args], cwd=ROOT, capture_output=True, text=True, timeout=170
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("flaw", "verdict", "code"), [("", "PASS", 0), ("no_fallback", "FAIL", 1)])
def test_an_item_fails_with_the_flaw_that_it_is_for(flaw: str, verdict: str, code: int, tmp_path: Path) -> None:
    config = ROOT / f".readiness-{flaw or 'healthy'}.toml"
    text = (ROOT / "windtunnel.toml").read_text()
    text = text.replace('reports = "reports"', f'reports = "{tmp_path}"', 1)
    if flaw:
        text += f'\n[target.local.env."*"]\nREFERENCE_FLAW = "{flaw}"\n'
    config.write_text(text)
    try:
        played = windtunnel("scenarios", *SCENARIOS, "--config", str(config))
        assert played.returncode == code, played.stdout + played.stderr
        done = windtunnel("readiness", "--require", "REL-9", "--json", "--config", str(config))
    finally:
        config.unlink()
    assert done.returncode == code, done.stdout + done.stderr
    row = next(each for each in json.loads(done.stdout)["items"] if each["id"] == "REL-9")
    assert row["verdict"] == verdict and row["evidence"] and row["runs"]
    assert (row["fix"] != "") or verdict == "PASS"
    (run,) = tmp_path.glob("*/readiness.svg")
    assert run.with_name("readiness.md").is_file()
