"""code_exec: what it takes, what it gives back, how it runs a program."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from typing import Any

from reference_agents.common.problem import Refused
from reference_agents.tools.code_exec import jail
from reference_agents.tools.describe import define, record, text, whole
from reference_agents.tools.service import Tool

MEGABYTES = 256
MOST_OUTPUT = 16_384  # bytes of each stream
AT_ONCE = 4
TAKES = record(
    {
        "code": text(
            "A Python program; what it prints is the result. It has no network, cannot start processes, and "
            "its files are gone afterwards.",
            least=1,
            most=20_000,
            pattern=r"^[^\x00]+$",
            examples=["print(sum(range(10)))"],
        ),
        "timeout_s": whole("Seconds that it may take.", 1, 10, default=5),
    },
    "timeout_s",
)
GIVES = record(
    {
        "stdout": text("What it printed, cut at 16 KiB.", most=MOST_OUTPUT),
        "stderr": text("What went wrong, cut at 16 KiB.", most=MOST_OUTPUT),
        "exit_code": {"type": "integer", "description": "0 when it ended well; below 0, the signal that ended it."},
        "timed_out": {"type": "boolean", "description": "Whether its time was over first."},
    }
)


async def run(code: str, timeout_s: int, python: str = sys.executable) -> dict[str, Any]:
    """Run `code` confined (see jail) for up to `timeout_s` seconds. Raises Refused (503) where the kernel cannot."""
    with tempfile.TemporaryDirectory(prefix="code-exec-") as folder:
        process = await asyncio.create_subprocess_exec(
            python, "-I", "-S", "-B", jail.__file__, folder, str(timeout_s + 1), str(MEGABYTES),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"LANG": "C.UTF-8"}, cwd=folder,
        )  # fmt: skip
        assert process.stdin and process.stdout and process.stderr
        streams = [asyncio.create_task(_first(stream)) for stream in (process.stdout, process.stderr)]
        timed_out = False
        try:
            process.stdin.write(code.encode(errors="surrogatepass"))
            with contextlib.suppress(ConnectionError):
                await process.stdin.drain()
            process.stdin.close()
            await asyncio.wait_for(process.wait(), timeout_s)
        except TimeoutError:
            timed_out = True
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        out, problem = await asyncio.gather(*streams)
    begun = jail.BEGUN.decode()
    if not timed_out and not out.startswith(begun):
        raise Refused(503, f"programs cannot be confined here: {problem.strip()}")
    return {
        "stdout": out.removeprefix(begun),
        "stderr": problem,
        "exit_code": process.returncode,
        "timed_out": timed_out,
    }


async def _first(stream: asyncio.StreamReader) -> str:
    """The first part of what comes, as text of at most MOST_OUTPUT characters; the rest is read and dropped."""
    kept = b""
    while block := await stream.read(65536):
        kept += block[: MOST_OUTPUT - len(kept)]
    return kept.decode(errors="replace")


def code_exec(url: str, base: str) -> Tool:
    """The tool, to be called at `url`; AT_ONCE programs run beside each other, the others wait."""
    places = asyncio.Semaphore(AT_ONCE)

    async def act(arguments: dict[str, Any], key: str) -> dict[str, Any]:
        async with places:
            return await run(arguments["code"], int(arguments.get("timeout_s", 5)))

    description = "Run a small Python program and read what it prints."
    return Tool(define("code_exec", description, TAKES, GIVES, url, base, timeout_ms=15_000, rate_limit=120), act)
