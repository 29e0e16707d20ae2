"""`make bench-proxy`: an edge of the local cluster against a plain relay and no proxy at all, in one run.

Each of them takes turns in short rounds. Latency is of 64 bytes there and back on one open connection; what is added
is the difference of the medians to no proxy. Throughput is of one connection, from the server to the client, in its
best round. The figures go to benchmarks/results/proxy.json; every ratio compares figures of this run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "proxy.json"
MOST_ADDED_MS, LEAST_MB_S = 0.15, 400.0


@contextmanager
def hop(kind: str, port: int = 0) -> Iterator[int]:
    """A process of hops.py; yields the port at which it listens."""
    command = [sys.executable, str(HERE / "hops.py"), kind, *([str(port)] if port else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def round_trips(port: int, count: int) -> list[float]:
    """Milliseconds of each."""
    took = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(count + 100):
            began = time.perf_counter()
            client.sendall(b"x" * 64)
            left = 64
            while left:
                left -= len(client.recv(left))
            if number >= 100:  # the first ones warm up
                took.append((time.perf_counter() - began) * 1000)
    return took


def megabytes_per_second(port: int, seconds: float) -> float:
    """What comes through one connection."""
    buffer = bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"z")
        client.recv_into(buffer)
        began, total = time.perf_counter(), 0
        while (now := time.perf_counter()) < began + seconds:
            total += client.recv_into(buffer)
        return total / (now - began) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default 5)")
    parser.add_argument("--trips", type=int, default=3000, help="round trips in a round (default 3000)")
    parser.add_argument("--seconds", type=float, default=1.0, help="seconds of throughput in a round (default 1)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the figures go")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(hop("server"))
        ports = {"none": server, "relay": stack.enter_context(hop("relay", server)),
                 "edge": stack.enter_context(hop("edge", server))}  # fmt: skip
        trips: dict[str, list[float]] = {name: [] for name in ports}
        speed: dict[str, list[float]] = {name: [] for name in ports}
        for _ in range(arguments.rounds):
            for name, port in ports.items():
                trips[name].append(statistics.median(round_trips(port, arguments.trips)))
        for _ in range(arguments.rounds):
            for name, port in ports.items():
                speed[name].append(megabytes_per_second(port, arguments.seconds))
    p50 = {name: min(rows) for name, rows in trips.items()}
    best = {name: max(rows) for name, rows in speed.items()}
    added = {name: p50[name] - p50["none"] for name in ("relay", "edge")}
    figures = {
        "benchmark": "proxy",
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "round_trip_p50_ms": {name: round(value, 4) for name, value in p50.items()},
        "added_p50_ms": {name: round(value, 4) for name, value in added.items()},
        "mb_per_s": {name: round(value, 1) for name, value in best.items()},
        "edge_to_relay": {"added_latency": round(added["edge"] / added["relay"], 3),
                          "throughput": round(best["edge"] / best["relay"], 3)},
        "goals": {"added_p50_ms": MOST_ADDED_MS, "mb_per_s": LEAST_MB_S},
        "met": {"added_p50_ms": added["edge"] < MOST_ADDED_MS, "mb_per_s": best["edge"] >= LEAST_MB_S},
    }  # fmt: skip
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    return 0 if all(figures["met"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
