"""A pod's port is free, nobody else's, and none that the kernel gives to an outgoing connection."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cluster.runtime import ports
from harness.cluster.runtime.ports import BLOCK, Ports


def test_ports_are_free_and_below_those_of_outgoing_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "range"
    said.write_text("20000\t60999\n")
    monkeypatch.setattr(ports, "EPHEMERAL", said)
    mine = Ports(tmp_path / "locks")
    for _ in range(50):
        port = mine.free()
        assert 12_000 <= port < 20_000
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


def test_no_port_is_given_twice_though_nobody_listens_yet(tmp_path: Path) -> None:
    one, other = Ports(tmp_path), Ports(tmp_path)  # as in two processes: a lock is one open file's
    given = [source.free() for _ in range(2 * BLOCK) for source in (one, other)]
    assert len(set(given)) == len(given)


def test_a_process_that_is_killed_gives_its_ports_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "range"
    said.write_text(f"{ports.LOWEST_PORT + BLOCK}\t60999\n")  # one block is all there is
    code = (
        "import sys; from pathlib import Path; from harness.cluster.runtime import ports;"
        f"ports.EPHEMERAL = Path({str(said)!r});"
        f"print(ports.Ports(Path({str(tmp_path / 'locks')!r})).free(), flush=True); sys.stdin.read()"
    )
    monkeypatch.setattr(ports, "EPHEMERAL", said)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert int(other.stdout.readline()) < ports.LOWEST_PORT + BLOCK
        assert Ports(tmp_path / "locks").free() >= ports.LOWEST_PORT + BLOCK
        other.kill()
    assert Ports(tmp_path / "locks").free() < ports.LOWEST_PORT + BLOCK


def test_where_no_port_is_left_there_the_kernel_gives_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "range"
    said.write_text(f"{ports.LOWEST_PORT + 1}\t60999\n")
    monkeypatch.setattr(ports, "EPHEMERAL", said)
    assert Ports(tmp_path / "locks").free() > ports.LOWEST_PORT + 1


def test_a_port_on_which_somebody_listens_is_passed_over(tmp_path: Path) -> None:
    mine = Ports(tmp_path)
    port = mine.free()
    with socket.socket() as taken:
        for candidate in range(port + 1, port + BLOCK // 2):
            with contextlib.suppress(OSError):  # somebody else's
                taken.bind(("127.0.0.1", candidate))
                break
        taken.listen()
        assert taken.getsockname()[1] not in {mine.free() for _ in range(BLOCK // 2)}


def test_a_machine_that_does_not_tell_its_range_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "EPHEMERAL", tmp_path / "none")
    assert 12_000 <= Ports(tmp_path).free() < 32_768
