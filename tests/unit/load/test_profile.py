"""Profiles: what is wrong in a file is said with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import ConfigError
from harness.load.profile import read_profile

ROOT = Path(__file__).parents[3]
GOOD = "peak: 3\nphases:\n  - {name: 1x, factor: 1, seconds: 9}\n"


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mine.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "load/profiles").glob("*.yaml")))
def test_every_shipped_profile_reads_and_judges_something(name: str) -> None:
    profile = read_profile(ROOT / "load", name)
    assert profile.name == name
    assert any(phase.measured and phase.slo.limits() for phase in profile.phases)


def test_the_default_profile_reaches_ten_times_its_peak_within_a_minute() -> None:
    profile = read_profile(ROOT / "load", "10x-peak")
    assert max(phase.factor for phase in profile.phases) == 10
    assert profile.seconds <= 60


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (GOOD + "peek: 3\n", 4, "unknown key"),
        ("peak: 0\n" + GOOD.partition("\n")[2], 1, "greater than 0"),
        (GOOD + "  - {name: 1x, factor: 2, seconds: 9}\n", None, "two phases are called '1x'"),
        (GOOD + "  - name: hold\n    factor: 2\n    seconds: -1\n", 6, "greater than 0"),
        (GOOD + "fault: {kind: pod_kill}\n", 4, "not supported"),
        (GOOD + "mix: {run: 0}\n", 4, "above 0"),
        ("peak: [\n", 2, "not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, line: int | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        read_profile(written(tmp_path, text), "mine")
    assert caught.value.line == line


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_profile(written(tmp_path, GOOD), "mime")
    assert "mine" in str(caught.value.hint)


def test_quick_keeps_every_phase_and_is_shorter() -> None:
    profile = read_profile(ROOT / "load", "10x-peak")
    assert [p.name for p in profile.quick().phases] == [p.name for p in profile.phases]
    assert profile.quick().seconds < profile.seconds / 2
