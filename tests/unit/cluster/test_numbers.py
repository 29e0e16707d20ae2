"""Quantities, Prometheus' text, and what a process uses."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.cluster.exposition import samples
from harness.cluster.quantities import milli, quantity
from harness.cluster.runtime.usage import Meter, Use, used_by


@pytest.mark.parametrize(
    ("text", "number"),
    [("250m", 0.25), ("1Gi", 2**30), ("2e3", 2000), ("1.5k", 1500), (".5", 0.5), (3, 3), ("64Mi", 64 * 2**20)],
)
def test_quantities(text: str | int, number: float) -> None:
    assert float(quantity(text)) == number


@pytest.mark.parametrize("text", ["", "1GiB", "one", "1 Gi", "--1"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(text)


def test_quantities_are_written_in_thousandths_rounded_up() -> None:
    assert [milli(0.25), milli(3), milli(0.0001)] == ["250m", "3", "1m"]


def test_samples_of_one_metric_alone() -> None:
    text = "# TYPE lag gauge\nlag_total 9\nlag nothing\nlag 5\n"
    text += 'lag{topic="a",who="x\\"y}"} 3\nlag{topic="b"} 4 1700000000\n'
    assert samples(text, "lag") == [({}, 5.0), ({"topic": "a", "who": 'x"y}'}, 3.0), ({"topic": "b"}, 4.0)]


def test_a_process_is_metered_with_what_it_started() -> None:
    hungry = "b = bytearray(60_000_000); import sys; print(1, flush=True); sys.stdin.read()"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hungry!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdout.readline()
        use = used_by([process.pid])[process.pid]
        process.stdin.close()
    assert use.own > 60_000_000
    assert used_by([process.pid]) == {}
    assert used_by([os.getpid()])[os.getpid()].cpu_s > 0


def test_a_meter_averages_over_its_last_seconds() -> None:
    meter = Meter()
    assert meter.cores is None
    for second in range(20):
        meter.saw(float(second), Use(cpu_s=0.0 if second < 10 else (second - 10) * 0.5))
    assert meter.cores == pytest.approx(0.5)
