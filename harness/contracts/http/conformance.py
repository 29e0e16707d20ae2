"""The live service against its own OpenAPI description, by Schemathesis in a worker process."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

from pydantic import ValidationError

from harness.contracts.http.conformance_job import Job, Line, Progress
from harness.contracts.promises import Promises
from harness.core.events import Check
from harness.targets.child import dying_with_us
from harness.targets.suite import Progress as Teller

LINE_LIMIT = 16 * 1024 * 1024
WORKER = "harness.contracts.http.conformance_worker"


@dataclass(frozen=True)
class Conformance:
    """Runs one worker and records what it finds. Cancelling `check` ends the worker."""

    service: str
    promises: Promises
    teller: Teller
    timeout_s: float

    async def check(self, job: Job) -> None:
        """Record one check for each operation and Schemathesis check; INFRA when the worker fails."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            WORKER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT,
            preexec_fn=dying_with_us(),
        )
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        errors = asyncio.create_task(process.stderr.read())
        seen = 0
        try:
            async with asyncio.timeout(self.timeout_s):
                process.stdin.write(job.model_dump_json().encode())
                await process.stdin.drain()
                process.stdin.close()
                async for line in process.stdout:
                    seen += self._take(line)
                await process.wait()
                text = (await errors).decode(errors="replace")
        except TimeoutError:
            self._undecided(f"not finished after {self.timeout_s:g} s; {seen} checks are recorded")
            return
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            errors.cancel()
        if process.returncode != 0:
            last = [line for line in text.strip().splitlines() if line.strip()][-3:]
            self._undecided(f"the worker ended with {process.returncode}: {' | '.join(last)}")
        elif not seen:
            self._undecided("no operation was tried: the description has none")

    def _take(self, raw: bytes) -> int:
        try:
            line = Line.validate_json(raw)
        except ValidationError:
            return 0  # something printed by a library; the worker's own lines are well formed
        if isinstance(line, Progress):
            self.teller.step(f"contracts: {self.service}: {line.operation}, {line.cases} requests")
            return 0
        assert isinstance(line, Check)
        self.promises.emit(line)
        return 1

    def _undecided(self, detail: str) -> None:
        self.promises.undecided(
            "openapi.conformance",
            self.service,
            "the service is tried against its description",
            detail=detail,
            infra=True,
            fix="look at the service's log, or lower suites.contracts.max_examples",
        )
