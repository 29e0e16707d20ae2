"""kubectl as a child process: one command, or one that goes on and says at which port it listens."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.clock import Clock
from harness.core.errors import ConfigError, InfraError
from harness.targets.child import dying_with_us

START_S = 20.0


@dataclass(frozen=True)
class Kubectl:
    """kubectl on one context; None for the one that a pod in a cluster is in. Raises ConfigError without kubectl."""

    context: str | None
    clock: Clock

    def argv(self, *words: str) -> list[str]:
        """The command line."""
        program = shutil.which("kubectl")
        if program is None:
            raise ConfigError("there is no kubectl on PATH", hint='kind = "kubernetes" needs it to reach the cluster')
        return [program, *(["--context", self.context] if self.context else []), *words]

    def run(self, *words: str) -> str:
        """What a command prints. Raises InfraError with what it complains of."""
        done = subprocess.run(self.argv(*words), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise InfraError(f"kubectl {' '.join(words)}: {done.stderr.strip()[:500]}")
        return done.stdout

    def get(self, *words: str) -> Any:
        """An object, or several. Raises InfraError."""
        return json.loads(self.run("get", *words, "-o", "json"))

    def listening(
        self, words: Sequence[str], said: str, *, outlive: bool = False
    ) -> tuple[subprocess.Popen[bytes], int]:
        """Start a command that goes on, and the port that it tells by the pattern `said`. Raises InfraError.

        It ends with this process, unless it is to `outlive` it.
        """
        process = subprocess.Popen(
            self.argv(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=None if outlive else dying_with_us(),
        )
        assert process.stdout is not None
        fd, text, deadline = process.stdout.fileno(), "", self.clock.monotonic() + START_S
        while self.clock.monotonic() < deadline:
            if not select.select([fd], [], [], 0.2)[0]:
                continue
            data = os.read(fd, 4096)
            text += data.decode(errors="replace")
            match = re.search(said, text)
            if match:
                return process, int(match[1])
            if not data:
                break
        end(process)
        raise InfraError(f"kubectl {' '.join(words)}: {text.strip()[:500] or 'it said nothing'}")


def end(process: subprocess.Popen[bytes]) -> None:
    """End a child and what it has started."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
