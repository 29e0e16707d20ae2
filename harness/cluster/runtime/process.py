"""Starting a process that cannot outlive the cluster, and ending it with all its children."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.targets.child import dying_with_us


@dataclass
class Process:
    """A running process, head of a process group of its own."""

    inner: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        return self.inner.pid

    @property
    def running(self) -> bool:
        return self.inner.returncode is None

    async def wait(self) -> int:
        """The exit code; negative for a signal."""
        return await self.inner.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nobody there is fine."""
        try:
            os.killpg(self.inner.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    async def end(self, grace_s: float) -> int:
        """SIGTERM, then after `grace_s` SIGKILL; also for what the process itself has started."""
        if self.running and grace_s > 0:
            self.signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(asyncio.shield(self.inner.wait()), grace_s)
            except TimeoutError:
                pass
        self.signal(signal.SIGKILL)
        return await self.inner.wait()


async def start(argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> Process:
    """Start `argv` with its output appended to `log`. Raises OSError when it cannot be started."""
    with log.open("ab") as output:
        inner = await asyncio.create_subprocess_exec(
            *argv,
            env=dict(env),
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=dying_with_us(),
        )
    return Process(inner)
