"""What a user gets wrong is answered with file, line and fix, and never with a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest


def windtunnel(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *args], cwd=cwd, capture_output=True, text=True, timeout=60
    )


COMMANDS = ["verify", "contracts", "scenarios", "load", "chaos", "up", "status", "report", "heal", "doctor"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_configuration_is_named_with_the_fix(command: str, tmp_path: Path) -> None:
    done = windtunnel(command, "--config", "nowhere.toml", cwd=tmp_path)
    assert done.returncode == 64, done.stderr
    said = done.stdout + done.stderr
    assert "nowhere.toml" in said.replace("\n", "")
    assert "windtunnel init" in said.replace("\n", " ")
    assert "Traceback" not in said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_misspelt_key_is_named_with_its_line(command: str, tmp_path: Path) -> None:
    (tmp_path / "windtunnel.toml").write_text("[target]\nname = 'x'\nkinds = 'external'\n")
    done = windtunnel(command, cwd=tmp_path)
    assert done.returncode == 64, done.stderr
    said = (done.stdout + done.stderr).replace("\n", "")
    assert "windtunnel.toml:3" in said
    assert "`kind`" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "args", [["nonsense"], ["verify", "--nonsense"], ["load", "a", "b"], ["verify", "--seed", "x"]]
)
def test_bad_usage_is_64(args: list[str], tmp_path: Path) -> None:
    done = windtunnel(*args, cwd=tmp_path)
    assert done.returncode == 64
    assert "Traceback" not in done.stderr


def test_help_teaches_every_command(tmp_path: Path) -> None:
    said = windtunnel("--help", cwd=tmp_path).stdout
    assert "Exit codes" in said
    for command in [*COMMANDS, "init", "down"]:
        assert command in said
        assert len(windtunnel(command, "--help", cwd=tmp_path).stdout) > 200
