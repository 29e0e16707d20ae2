"""A pod's port is free, and none that the kernel gives to an outgoing connection."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.cluster.runtime import ports


def test_ports_are_free_and_below_those_of_outgoing_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "range"
    said.write_text("20000\t60999\n")
    monkeypatch.setattr(ports, "EPHEMERAL", said)
    for _ in range(50):
        port = ports.free_port()
        assert 12_000 <= port < 20_000
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


def test_where_no_port_is_left_there_the_kernel_gives_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "range"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        said.write_text(f"{taken.getsockname()[1] + 1}\t60999\n")
        monkeypatch.setattr(ports, "EPHEMERAL", said)
        monkeypatch.setattr(ports, "LOWEST_PORT", taken.getsockname()[1])
        assert ports.free_port() != taken.getsockname()[1]


def test_a_machine_that_does_not_tell_its_range_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "EPHEMERAL", tmp_path / "none")
    assert 12_000 <= ports.free_port() < 32_768
