"""One test for each case in which Chaos Toolkit's own verdict is `completed` or exit 0 and nothing was proven.

Chaos Toolkit itself runs here; each test first shows what it says, then that ours is not a pass. The cases of
signals (SIGINT, SIGTERM, SIGKILL) need a process of their own: tests/integration/chaos.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chaoslib.types import Dry

from harness.chaos.experiment import Experiment, Extension
from harness.chaos.toolkit import run_document, tolerated
from harness.chaos.verdict import rule

Row = dict[str, Any]


def python(module: str, func: str, **arguments: Any) -> Row:
    return {"type": "python", "module": module, "func": func, "arguments": arguments}


def exists(path: Path, name: str = "it is there", **more: Any) -> Row:
    return {"type": "probe", "name": name, "provider": python("os.path", "exists", path=str(path)), **more}


def size(path: Path, **more: Any) -> Row:
    """A probe that raises where there is nothing to look at."""
    provider = python("os.path", "getsize", filename=str(path))
    return {"type": "probe", "name": "its size", "provider": provider, **more}


def copy(source: Path, target: Path, **more: Any) -> Row:
    provider = python("shutil", "copyfile", src=str(source), dst=str(target))
    return {"type": "action", "name": "copy", "provider": provider, **more}


def remove(path: Path, **more: Any) -> Row:
    provider = python("shutil", "rmtree", path=str(path))
    return {"type": "action", "name": "remove", "provider": provider, **more}


def sleep(seconds: float, **more: Any) -> Row:
    provider = python("subprocess", "run", args=["sleep", str(seconds)])
    return {"type": "action", "name": "sleep", "provider": provider, **more}


@pytest.fixture
def there(tmp_path: Path) -> Path:
    path = tmp_path / "there"
    path.mkdir()
    return path


def run(method: list[Row], steady: list[Row] | None = None, **more: Any) -> tuple[Row, str, str]:
    """(Chaos Toolkit's journal, our outcome, our reasons)."""
    document: Row = {"title": "t", "description": "d", "method": method, **more}
    if steady is not None:
        document["steady-state-hypothesis"] = {"title": "steady", "probes": steady}
    experiment = Experiment("t", Path("t.yaml"), document, Extension(name="windtunnel"))
    journal = run_document(experiment, say=lambda text: None, stop=lambda: None)
    outcome, rulings = rule(document, journal, tolerated)
    return journal, outcome, "; ".join(ruling.text for ruling in rulings)


def test_what_holds_is_a_pass(there: Path) -> None:
    journal, outcome, why = run([exists(there, tolerance=True)], [exists(there, tolerance=True)])
    assert (journal["status"], outcome, why) == ("completed", "pass", "")


def test_an_action_that_fails_to_inject(there: Path, tmp_path: Path) -> None:
    method = [copy(tmp_path / "missing", tmp_path / "x")]
    journal, outcome, why = run(method, [exists(there, tolerance=True)])
    assert (journal["status"], journal["deviated"]) == ("completed", False)
    assert outcome == "inconclusive"
    assert "action 'copy' failed: " in why


def test_a_probe_in_the_method_that_misses_its_tolerance(tmp_path: Path) -> None:
    journal, outcome, why = run([exists(tmp_path / "missing", tolerance=True)])
    assert (journal["status"], journal["deviated"]) == ("completed", False)
    assert outcome == "fail"
    assert "outside its tolerance" in why


def test_a_hypothesis_broken_for_a_moment_only(there: Path) -> None:
    method = [
        remove(there),
        sleep(0.5),
        {"type": "action", "name": "back", "provider": python("os", "makedirs", name=str(there))},
    ]
    journal, outcome, why = run(method, [exists(there, tolerance=True)], configuration={"hypothesis_every_s": 0.1})
    assert (journal["status"], journal["deviated"]) == ("completed", False)
    assert outcome == "fail"
    assert "during the method" in why


def test_a_hypothesis_that_raises_after_the_method_is_undecided_and_rolled_back(there: Path, tmp_path: Path) -> None:
    rolled = tmp_path / "rolled-back"
    source = tmp_path / "source"
    source.write_text("x")
    journal, outcome, why = run(
        [remove(there)], [size(there, tolerance={"type": "range", "range": [0, 1e9]})], rollbacks=[copy(source, rolled)]
    )
    assert journal["status"] == "failed"
    assert outcome == "inconclusive"
    assert "after the method broke" in why
    assert rolled.exists(), "the fault would have stayed"


def test_a_hypothesis_that_does_not_hold_to_begin_with(tmp_path: Path) -> None:
    method = [sleep(0)]
    journal, outcome, _ = run(method, [exists(tmp_path / "missing", tolerance=True)])
    assert not journal["run"]
    assert outcome in ("inconclusive", "infra")


def test_an_activity_that_outlasts_its_timeout() -> None:
    journal, outcome, why = run([sleep(0.3, timeout=0.1)])
    assert journal["status"] == "completed"
    assert outcome == "inconclusive"
    assert "its timeout is 0.1 s" in why


def test_a_rollback_that_fails(there: Path, tmp_path: Path) -> None:
    journal, outcome, _ = run([exists(there)], rollbacks=[copy(tmp_path / "missing", tmp_path / "x")])
    assert journal["status"] == "completed"
    assert outcome == "infra"


def test_a_dry_run_with_a_false_hypothesis(tmp_path: Path) -> None:
    journal, outcome, _ = run([sleep(0)], [exists(tmp_path / "missing", tolerance=True)], dry=Dry.ACTIVITIES)
    assert journal["status"] == "completed"
    assert outcome != "pass"


def test_a_dry_activity_is_not_run(there: Path) -> None:
    journal, outcome, why = run([remove(there, dry=Dry.ACTIONS)], [exists(there, tolerance=True)])
    assert journal["status"] == "completed"
    assert outcome == "not_run"
    assert "it was not carried out" in why


def test_a_process_that_left_no_journal() -> None:
    assert rule({"method": []}, None, tolerated)[0] == "infra"


@pytest.mark.parametrize("status", ["interrupted", "aborted"])
def test_a_run_that_was_cut_short(status: str) -> None:
    journal = {"status": status, "run": [], "steady_states": {}, "rollbacks": []}
    assert rule({"method": []}, journal, tolerated)[0] == "infra"
