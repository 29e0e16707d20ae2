"""`make bench-mock`: mock_llm against @copilotkit/aimock and a bare raw-ASGI uvicorn, in one run.

Each server has one core to itself, the load generator (`wrk`, from the distribution) the other. Servers take
turns in short rounds and the best round of each counts, so that other work on the machine hurts none alone.
The figures go to benchmarks/results/mock.json; every ratio compares figures of this run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "mock.json"
CONNECTIONS = 32
SERVER_CORE, LOAD_CORE = 0, 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def pinned(core: int) -> list[str]:
    """The prefix that keeps a command on one core, where there are two."""
    many = len(os.sched_getaffinity(0)) > 1 if hasattr(os, "sched_getaffinity") else False
    return ["taskset", "-c", str(core)] if many and shutil.which("taskset") else []


@contextmanager
def server(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server process, from the moment it accepts connections to its end."""
    process = subprocess.Popen([*pinned(SERVER_CORE), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"bench: {' '.join(command)} did not start") from None
                time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def wrk(port: int, seconds: int) -> float:
    """Requests per second of one round; any answer but 2xx ends the benchmark."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "workload.lua")]
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    text = subprocess.run([*pinned(LOAD_CORE), *command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        raise SystemExit(f"bench: not every answer was 200:\n{text}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if found is None:
        raise SystemExit(f"bench: wrk said\n{text}")
    return float(found[1])


def install_aimock(folder: Path) -> Path | None:
    """aimock's command, installed with npm; None when the registry or npm does not answer."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return None
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), "@copilotkit/aimock@1.43"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=180)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return folder / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"


def throughput(servers: dict[str, int], rounds: int, seconds: int) -> dict[str, Any]:
    found: dict[str, list[float]] = {name: [] for name in servers}
    for port in servers.values():
        wrk(port, 1)  # warm-up, discarded
    for _ in range(rounds):
        for name, port in servers.items():
            found[name].append(wrk(port, seconds))
    return {
        name: {"best": max(rates), "median": statistics.median(rates), "rounds": rates} for name, rates in found.items()
    }


async def _stream(port: int, body: bytes) -> tuple[float, list[float]]:
    """Seconds to the first chunk and the times of all chunks, of one streamed answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer bench\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    begun = time.perf_counter()
    writer.write(head.encode() + body)
    times: list[float] = []
    while line := await reader.readline():
        if line.startswith(b"data: "):
            times.append(time.perf_counter() - begun)
        if b"[DONE]" in line:
            break  # some servers keep the connection open although asked to close it
    writer.close()
    return times[0], times


def first_chunk(servers: dict[str, int]) -> dict[str, float]:
    """Median milliseconds to the first chunk, one request at a time, servers in turn."""
    body = json.dumps(
        {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "what is the answer?"}]}
    ).encode()
    found: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(300):
        for name, port in servers.items():
            found[name].append(asyncio.run(_stream(port, body))[0] * 1000)
    return {name: statistics.median(times) for name, times in found.items()}


def paced_streams(port: int, streams: int) -> dict[str, float]:
    """How late chunks are, in milliseconds, when `streams` clients read a paced answer at the same time."""
    import httpx

    inter, tokens = 0.1, 30
    text = " ".join(["word"] * tokens)
    httpx.put(f"http://127.0.0.1:{port}/_mock/pacing", json={"kind": "constant", "ttft": 0.5, "inter_token": inter})
    rules = {"rules": [{"answer": text}]}
    httpx.put(f"http://127.0.0.1:{port}/_mock/sessions/default/script", json=rules)
    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "go"}]}).encode()

    async def main() -> list[list[float]]:
        async def one(delay: float) -> list[float]:
            await asyncio.sleep(delay)
            return (await _stream(port, body))[1]

        return await asyncio.gather(*(one(i * 2 / streams) for i in range(streams)))

    late: list[float] = []
    for times in asyncio.run(main()):
        # Gaps between content chunks are whole multiples of the inter-token time.
        content = times[1:-2]
        for before, after in pairwise(content):
            gap = after - before
            late.append(abs(gap - max(1, round(gap / inter)) * inter) * 1000)
    late.sort()
    return {"streams": streams, "p50_ms": late[len(late) // 2], "p99_ms": late[int(len(late) * 0.99)]}


def memory(port: int, pid: int, requests: int) -> dict[str, float]:
    """Resident megabytes after a tenth of the requests and after all of them."""

    def resident() -> float:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    import httpx

    def total() -> int:
        page = httpx.get(f"http://127.0.0.1:{port}/_mock/journal", params={"since": 10**12}).json()
        return int(page["total"])

    while total() < requests // 10:
        wrk(port, 5)
    early = resident()
    while total() < requests:
        wrk(port, 10)
    return {"requests": total(), "after_a_tenth_mb": early, "at_the_end_mb": resident()}


def import_ms() -> float:
    """Best of seven cold imports of mock_llm and MockLLM, interpreter start left out."""
    code = "import time; t = time.perf_counter(); from mock_llm import MockLLM; print(time.perf_counter() - t)"
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(7)) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each round")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--requests", type=int, default=1_000_000, help="for the memory test; 0 leaves it out")
    args = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("bench: needs wrk; on Debian and Ubuntu: apt-get install wrk")
    result: dict[str, Any] = {"python": platform.python_version(), "machine": platform.machine()}
    ports = {name: free_port() for name in ("floor", "mock_llm", "aimock")}
    ours = [sys.executable, "-m", "mock_llm", "serve", str(HERE / "rules.yaml"), "--port", str(ports["mock_llm"])]
    with tempfile.TemporaryDirectory() as folder:
        aimock = install_aimock(Path(folder))
        with (
            server([sys.executable, str(HERE / "floor.py"), str(ports["floor"])], ports["floor"]),
            server(ours, ports["mock_llm"]) as process,
        ):
            if aimock is None:
                print("bench: aimock is left out: npm or its registry does not answer")
                del ports["aimock"]
                measure(result, ports, process.pid, args)
            else:
                fixtures = str(HERE / "aimock-fixtures.json")
                command = ["node", str(aimock), "-p", str(ports["aimock"]), "-f", fixtures, "--log-level", "silent"]
                with server(command, ports["aimock"]):
                    measure(result, ports, process.pid, args)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(f"bench: {RESULTS}")


def measure(result: dict[str, Any], ports: dict[str, int], pid: int, args: argparse.Namespace) -> None:
    result["import_ms"] = import_ms()
    print(f"import of MockLLM: {result['import_ms']:.0f} ms")
    rates = result["requests_per_second"] = throughput(ports, args.rounds, args.seconds)
    for name, rate in rates.items():
        print(
            f"{name:10} best {rate['best']:8.0f}  median {rate['median']:8.0f} requests/s at {CONNECTIONS} connections"
        )
    result["ratios"] = {
        f"mock_llm / {name}": rates["mock_llm"]["best"] / rates[name]["best"] for name in ports if name != "mock_llm"
    }
    chunk = {name: port for name, port in ports.items() if name != "floor"}
    result["first_chunk_p50_ms"] = first_chunk(chunk)
    for name, ms in result["first_chunk_p50_ms"].items():
        print(f"{name:10} first chunk p50 {ms:.2f} ms")
    if args.requests:
        result["memory"] = memory(ports["mock_llm"], pid, args.requests)
        print(f"memory: {result['memory']}")
    result["paced"] = paced_streams(ports["mock_llm"], args.streams)
    print(f"paced streams: {result['paced']}")
    for name, ratio in result["ratios"].items():
        print(f"ratio {name}: {ratio:.2f}")


if __name__ == "__main__":
    main()
