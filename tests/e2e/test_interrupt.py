"""Ctrl-C and SIGTERM at any moment leave no process, no port and no fault behind."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.faults.undo_log import UndoLog

ROOT = Path(__file__).parents[2]


def workspace(tmp_path: Path) -> Path:
    """The reference stack's configuration in a folder of its own, so that runs side by side never meet."""
    text = (ROOT / "windtunnel.toml").read_text()
    for folder in ("contracts", "scenarios", "load", "chaos", "reference_agents"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / "windtunnel.toml").write_text(text)
    return tmp_path


def leftovers(folder: Path) -> list[str]:
    """Processes that belong to a run in `folder`, by their environment or their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "environ").read_bytes() + b"\0" + (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(folder).encode() in text and state not in "ZX":
            found.append(f"{entry.name} {(entry / 'cmdline').read_bytes()[:120]!r}")
    return found


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    ("command", "marker", "number"),
    [
        pytest.param("verify", "cluster: starting", signal.SIGINT, id="while the cluster starts"),
        pytest.param("verify", "contracts:", signal.SIGTERM, id="in the contracts"),
        pytest.param("load", "1x at", signal.SIGINT, id="under load"),
        pytest.param("chaos llm-latency", "llm-latency", signal.SIGTERM, id="in an experiment"),
        pytest.param("chaos pod-kill", "pod-kill", signal.SIGKILL, id="killed in an experiment"),
        pytest.param("load", "1x at", signal.SIGKILL, id="killed under load"),
        pytest.param("contracts", "contracts:", signal.SIGKILL, id="killed in the contracts"),
    ],
)
def test_a_signal_leaves_nothing(tmp_path: Path, command: str, marker: str, number: signal.Signals) -> None:
    folder = workspace(tmp_path)
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *command.split()],
        cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    fd, said = process.stdout.fileno(), ""
    deadline = time.monotonic() + 90
    while marker not in said:
        assert time.monotonic() < deadline, said
        if select.select([fd], [], [], 0.5)[0]:
            more = os.read(fd, 4096).decode()
            assert more, said
            said += more
    time.sleep(1.5)
    os.kill(process.pid, number)
    rest, _ = process.communicate(timeout=60)
    said += rest
    if number is not signal.SIGKILL:
        assert process.returncode in (2, 130), said
        assert "Traceback" not in said
    until = time.monotonic() + 15
    while leftovers(folder) and time.monotonic() < until:
        time.sleep(0.2)
    assert leftovers(folder) == []
    # What was broken is whole again, or on record for `heal`, which finds its cluster gone.
    healed = subprocess.run(
        [sys.executable, "-m", "harness.cli", "heal"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert [record for record in UndoLog(folder / ".windtunnel").records() if record.open] == []
    shutil.rmtree(folder / ".windtunnel", ignore_errors=True)
