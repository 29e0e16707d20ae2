"""The peak: p99 of one-minute arrivals, and a file that does not tell is an error, never a guess."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.core.errors import ConfigError
from harness.load.peak import of_access_log, of_prometheus
from harness.load.profile import read_profile

PHASES = "phases:\n  - {name: 1x, factor: 1, seconds: 9}\n"


def log(counts: Sequence[int]) -> list[str]:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    stamps = [start + timedelta(minutes=m, seconds=n % 60) for m, count in enumerate(counts) for n in range(count)]
    return [f'10.0.0.1 - - [{at:%d/%b/%Y:%H:%M:%S %z}] "POST /run HTTP/1.1" 200 12' for at in stamps]


def test_one_wild_minute_in_two_hundred_is_not_the_peak_but_three_are() -> None:
    assert of_access_log(log([60] * 199 + [6000])) == 1.0
    assert of_access_log(log([60] * 197 + [6000] * 3)) == 100.0


def test_minutes_without_a_request_count() -> None:
    counts = [600, *[0] * 197, 60, 120]  # the 198th of 200 in order is the 60, which only the empty ones put there
    assert of_access_log(log(counts)) == 1.0


def test_zones_are_told_apart() -> None:
    same = ["x [01/Mar/2026:10:00:01 +0000]", "x [01/Mar/2026:11:00:02 +0100]"]
    assert of_access_log(same) == 2 / 60


@pytest.mark.parametrize(
    ("lines", "says"),
    [([], "no requests"), ([*log([1]), "nonsense"], "line 2"), (log([1] + [0] * 500 + [1]), "no request at all")],
)
def test_a_log_that_does_not_tell_is_an_error(lines: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        of_access_log(lines)


def test_series_are_added_up_at_each_moment_and_gaps_left_out() -> None:
    series = [{"values": [[0, "1"], [60, "4"]]}, {"values": [[0, "2"], [60, "5"], [120, "NaN"]]}]
    assert of_prometheus(json.dumps({"data": {"result": series}})) == 9.0


@pytest.mark.parametrize("text", ["", "[]", '{"data": {"result": []}}', '{"status": "error"}'])
def test_what_prometheus_did_not_answer_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="Prometheus"):
        of_prometheus(text)


def test_a_profile_takes_its_peak_from_a_log_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "access.log").write_text("\n".join(log([120] * 10)))
    (folder / "mine.yaml").write_text("peak_from: {access_log: access.log}\n" + PHASES)
    assert read_profile(tmp_path, "mine").peak == 2.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("peak_from: {access_log: none.log}\n", "none.log"),
        ("peak_from: {}\n", "either access_log or prometheus"),
        ("peak_from: {access_log: a, prometheus: b}\n", "either access_log or prometheus"),
        ("peak_from: {access_log: a}\npeak: 3\n", "keep one"),
    ],
)
def test_a_peak_that_cannot_be_taken_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mine.yaml").write_text(text + PHASES)
    with pytest.raises(ConfigError, match=says) as caught:
        read_profile(tmp_path, "mine")
    assert caught.value.line == 1
