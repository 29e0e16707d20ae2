"""A Prometheus of our own for a moment: on loopback, over the samples of one run, gone afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from harness.core.errors import InfraError
from harness.targets.child import dying_with_us

TOOLS = ("promtool", "prometheus")
ADVICE = "install Prometheus (apt-get install prometheus): its `prometheus` and `promtool` must be on PATH"
WITHIN_S = 60.0
_LISTENS = re.compile(r"Listening on.*?127\.0\.0\.1:(\d+)")


def missing() -> str:
    """The programs that are not on PATH, or an empty string."""
    return ", ".join(tool for tool in TOOLS if shutil.which(tool) is None)


@dataclass(frozen=True)
class Answers:
    """What the server said to one question: for each series its labels and the times at which it had a value."""

    labels: dict[str, str]
    times: tuple[float, ...]


@dataclass(frozen=True)
class Prometheus:
    """Asks a running server."""

    http: httpx.AsyncClient
    url: str

    async def held(self, expr: str, start: float, end: float, step: float) -> list[Answers]:
        """When `expr` gave anything between `start` and `end`. Raises InfraError with what the server says."""
        query: dict[str, str | float] = {"query": expr, "start": start, "end": end, "step": step}
        try:
            response = await self.http.get(f"{self.url}/api/v1/query_range", params=query, timeout=WITHIN_S)
            body = response.json()
            if body["status"] != "success":
                raise InfraError(f"prometheus refuses a rule: {body.get('error')}: {expr.strip()[:200]}")
            rows: list[Any] = body["data"]["result"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise InfraError(f"prometheus does not answer: {type(error).__name__}") from None
        return [Answers(row["metric"], tuple(float(at) for at, _ in row["values"])) for row in rows]


@contextlib.asynccontextmanager
async def over(lines: Iterable[str], folder: Path) -> AsyncIterator[Prometheus]:
    """A server over the OpenMetrics `lines`, its files in `folder`, until the block is left. Raises InfraError."""
    source, data, config = folder / "samples.om", folder / "data", folder / "prometheus.yml"
    with source.open("w") as stream:
        stream.writelines(lines)
    config.write_text("{}\n")
    log = folder / "log"
    made = await _start(log, "promtool", "tsdb", "create-blocks-from", "openmetrics", str(source), str(data))
    if await asyncio.wait_for(made.wait(), WITHIN_S) != 0:
        raise InfraError(f"promtool takes none of the samples: {_tail(log)}")
    server = await _start(
        log, "prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}",
        "--web.listen-address=127.0.0.1:0", "--storage.tsdb.retention.time=100y",
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{await _port(server, log)}"
        async with httpx.AsyncClient(trust_env=False) as http:
            await _ready(http, url)
            yield Prometheus(http, url)
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()  # what it holds is ours alone
        await server.wait()


async def _start(log: Path, *command: str) -> asyncio.subprocess.Process:
    with log.open("wb") as stream:
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stream,
                stderr=asyncio.subprocess.STDOUT,
                preexec_fn=dying_with_us(),
            )
        except OSError as error:
            raise InfraError(f"{command[0]} cannot be started: {error.strerror}", hint=ADVICE) from None


async def _port(server: asyncio.subprocess.Process, log: Path) -> int:
    """The port that the server chose, by its log."""
    async with asyncio.timeout(WITHIN_S):
        while server.returncode is None:
            if found := _LISTENS.search(await asyncio.to_thread(log.read_text, errors="replace")):
                return int(found[1])
            await asyncio.sleep(0.05)
    raise InfraError(f"prometheus ended: {_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace").strip()[-300:]


async def _ready(http: httpx.AsyncClient, url: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get(f"{url}/-/ready", timeout=5)).status_code == 200:
                    return
            await asyncio.sleep(0.05)
