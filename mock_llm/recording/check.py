"""Problems of a recording that show before any request arrives."""

from __future__ import annotations

from pathlib import Path

from mock_llm.recording.decoders import Undecodable, decoded, decoder
from mock_llm.recording.read import RecordingError, read_recording
from mock_llm.recording.redact import Redactor
from mock_llm.recording.tape import Recorded
from mock_llm.script.yaml_file import Problem


def check_recording(path: Path) -> list[Problem]:
    """A damaged file, a secret in it, an answer that its own protocol's decoder cannot read."""
    try:
        exchanges = read_recording(path).exchanges
    except RecordingError as error:
        return [error.problem]
    found = [(one, text) for one in exchanges for text in _problems(one)]
    problems = [Problem(str(path), one.line or 1, f"exchange {one.number}: {text}") for one, text in found]
    return sorted(problems, key=lambda problem: problem.line)


def _problems(one: Recorded) -> list[str]:
    found: list[str] = []
    redactor, asked, answered = Redactor(), one.asked, one.answered
    if redactor.data(asked.neutral) != asked.neutral or redactor.body(asked.body) != asked.body:
        found.append("its request holds what looks like a secret; replace it by [redacted]")
    if redactor.pieces(answered.pieces) != answered.pieces:
        found.append("its answer holds what looks like a secret; replace it by [redacted]")
    protocol = str((asked.neutral or {}).get("protocol", ""))
    if 200 <= answered.status < 300 and answered.broken_at is None and decoder(protocol) is not None:
        try:
            decoded(protocol, answered)
        except Undecodable as error:
            found.append(f"clients of other protocols get an error instead of its answer: {error}")
    return found
