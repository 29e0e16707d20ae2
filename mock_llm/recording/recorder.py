"""What a server needs to record: where requests go on to, and where exchanges are kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mock_llm.recording import redact
from mock_llm.recording.tape import Recorded
from mock_llm.recording.write import Existing, Writer

if TYPE_CHECKING:
    import httpx

_CONNECT_S = 30.0  # an answer itself may take as long as it likes


class Recorder:
    """Records to a file what `upstream` answers. `existing` says what becomes of a file that is there already.

    transport: for httpx, where the upstream is not reached in the ordinary way (a test, a special proxy).
    problems: what could not be recorded, in words; each is also printed to stderr when it happens.
    """

    def __init__(
        self,
        upstream: str,
        to: str | Path,
        *,
        existing: Existing = "refuse",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        parts = urlsplit(upstream)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"the upstream must be an http or https URL such as https://api.openai.com, not {upstream!r}"
            )
        if parts.query:
            raise ValueError("the upstream's URL has no query: clients send keys and versions themselves")
        self.upstream = upstream.rstrip("/")
        self.path = Path(to)
        self.problems: list[str] = []
        self._base_path = parts.path.rstrip("/")
        self._existing: Existing = existing
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._writer: Writer | None = None
        self._arrived = 0

    def open(self, now: float) -> None:
        """Create the file, or open it. Raises FileExistsError, RecordingError, OSError."""
        if self._writer is None:
            self._writer = Writer(self.path, redact.url(self.upstream), now, self._existing)
            self._arrived = self._writer.last
        self.client()  # reading the system's certificates takes time that the first answer is not to be charged with

    @property
    def count(self) -> int:
        """Exchanges in the file."""
        return self._writer.count if self._writer is not None else 0

    def arrive(self) -> int:
        """The number of a request that has just arrived."""
        self._arrived += 1
        return self._arrived

    def keep(self, recorded: Recorded) -> None:
        """Write an exchange. A file that cannot be written is a problem, not the client's error."""
        assert self._writer is not None
        try:
            self._writer.add(recorded)
        except OSError as error:
            self.problem(f"exchange {recorded.number} is not recorded: {self.path}: {error.strerror or error}")

    def problem(self, text: str) -> None:
        self.problems.append(text)
        print(f"mock-llm: {text}", file=sys.stderr, flush=True)

    def url(self, path: str, query: bytes) -> str:
        """Where a request goes on to; `path` is quoted. An upstream that ends in /v1 does not get it twice."""
        base = self.upstream
        if self._base_path and (path + "/").startswith(self._base_path + "/"):
            base = base[: -len(self._base_path)]
        asked = f"?{query.decode('latin-1')}" if query else ""
        return f"{base}{path}{asked}"

    def client(self) -> httpx.AsyncClient:
        """The connections to the upstream; they belong to the loop that first asks."""
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(
                transport=self._transport,
                timeout=httpx.Timeout(None, connect=_CONNECT_S),
                limits=httpx.Limits(max_connections=None),
            )
        return self._client

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
