"""The commands: record until interrupted, serve --replay, lint."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from mock_llm import MockLLM
from mock_llm.cli import app

BODY: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


class _Running:
    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mock_llm", *arguments, "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + self.process.stdout.read()
        self.url = found[0]
        self.output = ""

    def ask(self, **more: Any) -> httpx.Response:
        return httpx.post(self.url + "/v1/chat/completions", json={**BODY, **more}, timeout=30)

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            os.kill(self.process.pid, how)
        self.output = self.process.communicate(timeout=30)[0]
        return self.process.returncode


@contextmanager
def _running(*arguments: str) -> Iterator[_Running]:
    running = _Running(*arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_end_of_any_kind_keeps_what_was_recorded(how: signal.Signals, tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    with MockLLM() as upstream:
        upstream.rule("slow", answer={"text": "never", "delay": 60})
        with _running("record", "--upstream", upstream.url, "--to", str(file)) as recorder:
            answers = [recorder.ask(user=str(i)).text for i in range(2)]
            slow = {**BODY, "messages": [{"role": "user", "content": "slow"}]}
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(recorder.url + "/v1/chat/completions", json=slow, timeout=0.5)
            code = recorder.end(how)
            output = recorder.output
    assert [one["exchange"] for one in yaml.safe_load(file.read_text())["exchanges"]] == [1, 2]
    if how == signal.SIGINT:
        assert code == 1
        assert "exchange 3 was not finished when the recording ended" in output
        assert f"2 exchanges in {file}; replay: mock-llm serve --replay {file}" in output
    with _running("serve", "--replay", str(file), "--speed", "0") as replay:
        assert [replay.ask().text for _ in range(2)] == answers
        assert replay.end() == 0
        assert "never used" not in replay.output


def test_serve_reports_what_was_never_used_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    with MockLLM() as upstream, MockLLM(upstream=upstream.url, record=file) as recorder:
        for text in ("hello", "bye"):
            body = {**BODY, "messages": [{"role": "user", "content": text}]}
            httpx.post(recorder.openai_base_url + "/chat/completions", json=body)
    with _running("serve", "--replay", str(file), "--model", "gpt-next=gpt-4o") as replay:
        assert replay.ask(model="gpt-next").status_code == 200
        assert replay.end() == 0
    line = file.read_text().splitlines().index("- exchange: 2") + 1
    assert f"exchange 2 (line {line}) was never used: POST /v1/chat/completions 'bye'" in replay.output
    assert "exchange 1" not in replay.output


def _recorded(file: Path, **how: Any) -> None:
    with MockLLM() as upstream, MockLLM(upstream=upstream.url, record=file, **how) as recorder:
        httpx.post(recorder.openai_base_url + "/chat/completions", json=BODY)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--upstream", "http://x.invalid", "--to", "FILE"], "exists; add --append"),
        (["--upstream", "ftp://x", "--to", "new"], "must be an http or https URL"),
        (["--upstream", "http://x.invalid", "--to", "FILE", "--append", "--overwrite"], "exclude each other"),
    ],
)
def test_bad_usage_of_record_is_64_and_says_what_to_do(arguments: list[str], says: str, tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    _recorded(file)
    before = file.read_text()
    ran = CliRunner().invoke(app, ["record", *(str(file) if word == "FILE" else word for word in arguments)])
    assert ran.exit_code == 64
    assert says in ran.output
    assert file.read_text() == before


def test_append_goes_on_where_the_file_ends_and_overwrite_starts_anew(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    _recorded(file)
    with MockLLM() as upstream:
        with _running("record", "--upstream", upstream.url, "--to", str(file), "--append") as recorder:
            recorder.ask()
            assert recorder.end() == 0
        assert [one["exchange"] for one in yaml.safe_load(file.read_text())["exchanges"]] == [1, 2]
        with _running("record", "--upstream", upstream.url, "--to", str(file), "--overwrite") as recorder:
            assert recorder.end() == 0
    assert yaml.safe_load(file.read_text())["exchanges"] is None


def test_lint_reads_recordings(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    _recorded(file)
    assert CliRunner().invoke(app, ["lint", str(file)]).exit_code == 0
    key = "sk-abcdefghijklmnopqrstuvwxyz"
    file.write_text(file.read_text().replace("user: hello", f"user: {key}").replace("finish_reason: stop", "finish: x"))
    ran = CliRunner().invoke(app, ["lint", str(file)])
    assert ran.exit_code == 1
    assert f"{file}:6: exchange 1: its request holds what looks like a secret" in ran.output
    assert f"{file}:6: exchange 1: clients of other protocols get an error" in ran.output
    assert key not in ran.output


@pytest.mark.parametrize("command", [["lint"], ["serve", "--port", "0", "--replay"]])
def test_a_damaged_file_is_named_with_its_line(command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    _recorded(file)
    lines = file.read_text().splitlines()
    line = next(i for i, text in enumerate(lines) if "status: 200" in text)
    lines[line] = "    status: twenty"
    file.write_text("\n".join(lines))
    ran = CliRunner().invoke(app, [*command, str(file)])
    assert ran.exit_code == (1 if command == ["lint"] else 64)
    assert f"{file}:{line + 1}: exchanges[0].response.status: `status` is 'twenty'; write `status: 200`" in ran.output
