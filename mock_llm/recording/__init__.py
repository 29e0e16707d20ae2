"""Recording what a real provider answers, and replaying it: see docs/mock-llm/record-and-replay.md.

recording   forwarding.py -> tape.py -> redact.py -> write.py (layout.py)      one exchange, one append
replaying   read.py -> tape.py -> replay.py (stale.py) -> replaying.py         the same bytes, or decoders/
"""

from __future__ import annotations

from mock_llm.recording.read import RecordingError, read_recording
from mock_llm.recording.recorder import Recorder
from mock_llm.recording.replay import Replay

__all__ = ["Recorder", "RecordingError", "Replay", "read_recording"]
