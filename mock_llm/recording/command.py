"""`mock-llm record`: a recording server in the foreground."""

from __future__ import annotations

from pathlib import Path

from mock_llm.recording.recorder import Recorder
from mock_llm.recording.write import Existing
from mock_llm.server import Server
from mock_llm.serving import listen, refused


def run(upstream: str, to: Path, *, host: str, port: int, existing: Existing) -> int:
    """Record until interrupted; the exit code: 1 when something could not be recorded, 64 for bad usage."""
    try:
        recorder = Recorder(upstream, to, existing=existing)
        server = Server(recorder=recorder)
    except FileExistsError:
        return refused(f"{to} exists; add --append to record behind it, or --overwrite to start anew")
    except OSError as error:
        return refused(f"{to} cannot be written: {error.strerror or error}")
    except ValueError as error:
        return refused(str(error))
    if not listen(server, host, port):
        return 64
    plural = "" if recorder.count == 1 else "s"
    print(f"mock-llm: {recorder.count} exchange{plural} in {to}; replay: mock-llm serve --replay {to}", flush=True)
    return 1 if recorder.problems else 0
