import multiprocessing
from pathlib import Path

import pytest

from harness.core.clock import ManualClock, RealClock
from harness.core.errors import ConfigError
from harness.core.events import Note, RunStarted, SuiteStarted
from harness.core.findings import Finding
from harness.core.verdict import Verdict
from harness.evidence.rundir import EVENTS, RunDir


def note(text: str) -> Note:
    return Note(level="info", text=text)


def test_what_is_recorded_is_read_back_in_order_of_time(tmp_path: Path) -> None:
    clock = ManualClock(now=100.0)
    run = RunDir.create(tmp_path, clock=clock, seed=3)
    with run.recorder("main", clock) as recorder:
        clock.advance(2)
        recorder.emit(note("second"), suite="load")
        recorder.emit(note("first"), at=101.0)
    again = RunDir.open(run.path)
    assert again.meta == run.meta
    assert [(event.t, event.body.text, event.id) for event in again.events() if isinstance(event.body, Note)] == [
        (1.0, "first", "main-2"),
        (2.0, "second", "main-1"),
    ]


def test_two_runs_in_one_second_do_not_meet(tmp_path: Path) -> None:
    clock = ManualClock()
    runs = [RunDir.create(tmp_path, clock=clock, seed=1) for _ in range(3)]
    assert len({run.path for run in runs}) == 3


def test_a_line_torn_by_a_kill_is_left_out(tmp_path: Path) -> None:
    run = RunDir.create(tmp_path, clock=ManualClock(), seed=1)
    with run.recorder("main", ManualClock()) as recorder:
        recorder.emit(note("whole"))
    with (run.path / EVENTS).open("a") as file:
        file.write('{"v":1,"id":"main-2","t":0.1,"wa')
    assert len(run.events()) == 1


def test_a_bad_line_in_the_middle_is_named(tmp_path: Path) -> None:
    run = RunDir.create(tmp_path, clock=ManualClock(), seed=1)
    (run.path / EVENTS).write_text("nonsense\n")
    with run.recorder("main", ManualClock()) as recorder:
        recorder.emit(note("after"))
    with pytest.raises(ConfigError, match=r"events\.ndjson:1: not an event"):
        run.events()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a run directory"):
        RunDir.open(tmp_path)


def test_findings_are_kept(tmp_path: Path) -> None:
    run = RunDir.create(tmp_path, clock=ManualClock(), seed=1)
    assert run.findings() == ()
    found = (Finding(id="a", suite="s", title="t", verdict=Verdict.FAIL, summary="x"),)
    run.write_findings(found)
    assert run.findings() == found


def _write(path: Path, writer: str) -> None:
    clock = RealClock()
    with RunDir.open(path).recorder(writer, clock) as recorder:
        for n in range(200):
            recorder.emit_all([note(f"{writer} {n} " + "x" * 500) for _ in range(3)])


def test_processes_share_one_file_without_mixing_lines(tmp_path: Path) -> None:
    run = RunDir.create(tmp_path, clock=RealClock(), seed=1)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write, args=(run.path, f"w{n}")) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    events = run.events()
    assert len(events) == 3 * 200 * 3
    assert len({event.id for event in events}) == len(events)


def test_what_was_run_is_read_without_the_rest_even_where_that_is_broken(tmp_path: Path) -> None:
    clock = ManualClock()
    run = RunDir.create(tmp_path, clock=clock, seed=1)
    with run.recorder("main", clock) as recorder:
        recorder.emit(RunStarted(target="t", target_kind="local", suites=("load",), seed=1, version="1", command="w"))
        recorder.emit(note('a text about "type":"suite.started" is no start'))
        recorder.emit(SuiteStarted(suite="load", proves={"DEP-8": ("load/*",)}), suite="load")
    with (run.path / EVENTS).open("a") as stream:
        stream.write("not an event\n")
    assert [event.body.type for event in run.starts()] == ["run.started", "suite.started"]
    with pytest.raises(ConfigError):
        run.events()
