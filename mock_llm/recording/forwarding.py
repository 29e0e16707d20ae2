"""One request on its way to the real provider and back, while it is written down.

client -> [ask upstream] -> each chunk: note its time, pass it on -> end: redact, append to the file
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import orjson

from mock_llm.codecs.protocol import ApiError, Codec, Reply
from mock_llm.exchange import Exchange
from mock_llm.journal import shown
from mock_llm.outline import describe, note_headers, note_request
from mock_llm.recording.asking import asked_of, generation
from mock_llm.recording.decoders import Undecodable, decoded
from mock_llm.recording.redact import Redactor, header
from mock_llm.recording.tape import Answered, Piece, Recorded
from mock_llm.routing import Found
from mock_llm.wire import cut

if TYPE_CHECKING:
    from mock_llm.completion import Request
    from mock_llm.recording.recorder import Recorder

_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "content-length", "content-encoding")
)  # fmt: skip
_NOT_ON = _HOP | {"host", "accept-encoding", "x-mock-session", "expect"}
_NOT_BACK = _HOP | {"date", "server"}
_NOT_KEPT = _NOT_BACK | {"set-cookie", "alt-svc", "cf-ray", "cf-cache-status", "strict-transport-security", "nel",
                         "report-to", "via", "x-envoy-upstream-service-time"}  # fmt: skip
_STREAMED = ("text/event-stream", "application/x-ndjson", "application/jsonl")


class Forwarding(Exchange):
    """Asks the upstream instead of the script; rules, faults and pacing have no part in it."""

    __slots__ = ()

    async def run(self, found: Found | None) -> None:
        """Pass on, record. A client that leaves does not end it: the recording is to be whole."""
        await asyncio.sleep(0)  # the server drives requests outside of a task until they first wait; httpx needs one
        recorder: Recorder = self.server.recorder
        number = recorder.arrive()
        note_headers(self.entry, self.call.headers)
        try:
            await self._recorded(recorder, number, found)
        except asyncio.CancelledError:
            recorder.problem(f"exchange {number} was not finished when the recording ended: it is not in the file")
            raise

    async def _recorded(self, recorder: Recorder, number: int, found: Found | None) -> None:
        codec, request = self._understood(found)
        try:
            response = await self._ask(recorder)
        except httpx.HTTPError as error:
            text = f"mock-llm: {recorder.upstream} cannot be asked: {error or type(error).__name__}"
            await self._whole(_unreachable(text) if codec is None else codec.error(ApiError(502, text), self.call))
            return
        try:
            answered = await self._pass_on(response, streamed=request is not None and request.stream)
        finally:
            await response.aclose()
        self._keep(recorder, number, request, answered)
        # The line in the file comes before the last byte, so that who has the answer finds it.
        if answered.broken_at is None:
            await self.send({"type": "http.response.body", "body": b""})
        else:
            cut(self.scope, self.send, "fin")

    def _understood(self, found: Found | None) -> tuple[Codec | None, Request | None]:
        if found is None:
            return None, None
        codec, route, _ = found
        self.entry.protocol = codec.name
        if self.call.body and self.call.method != "GET":
            try:
                self.call.json = orjson.loads(self.call.body)
            except ValueError:
                return codec, None
        request = generation(codec, route, self.call)
        if request is not None:
            note_request(self.entry, request)
        return codec, request

    async def _ask(self, recorder: Recorder) -> httpx.Response:
        call = self.call
        headers = [(name, value) for name, value in self.scope["headers"] if name.decode("latin-1") not in _NOT_ON]
        # Unpacked answers can be read by people, and chunks of packed ones could not be redacted.
        headers.append((b"accept-encoding", b"identity"))
        client = recorder.client()
        asked = client.build_request(
            call.method, recorder.url(self._path(), call.query_string), content=call.body or None, headers=headers
        )
        return await client.send(asked, stream=True)

    def _path(self) -> str:
        """The path as the client quoted it (`%2F` in a name stays), without the session's prefix."""
        raw: bytes = self.scope["raw_path"].partition(b"?")[0]
        if raw.startswith(b"/s/") and self.scope["path"] != self.call.path:
            raw = b"/" + raw[3:].partition(b"/")[2]
        return raw.decode("latin-1")

    async def _pass_on(self, response: httpx.Response, *, streamed: bool) -> Answered:
        entry, timeline, send = self.entry, self.timeline, self.send
        kind = response.headers.get("content-type", "")
        streamed = (streamed and response.status_code < 400) or kind.startswith(_STREAMED)
        entry.status = response.status_code
        headers = [(name.lower(), value) for name, value in response.headers.raw]
        back = [(name, value) for name, value in headers if name.decode("latin-1") not in _NOT_BACK]
        length = response.headers.get("content-length")
        if length is not None and "content-encoding" not in response.headers:
            back.append((b"content-length", length.encode()))
        await send({"type": "http.response.start", "status": response.status_code, "headers": back})
        pieces: list[Piece] = []
        broken: float | None = None
        try:
            async for data in response.aiter_bytes():
                at = timeline.elapsed()
                if entry.first_byte_s is None:
                    entry.first_byte_s = at
                pieces.append(Piece(round(at * 1000, 3), data))
                await send({"type": "http.response.body", "body": data, "more_body": True})
        except httpx.HTTPError:
            broken = round(timeline.elapsed() * 1000, 3)
        if not streamed:
            pieces = [Piece(round(timeline.elapsed() * 1000, 3), b"".join(piece.data for piece in pieces))]
        entry.frames = len(pieces)
        kept = tuple(
            (name, header(name, value))
            for name, value in ((n.decode("latin-1"), v.decode("latin-1")) for n, v in headers)
            if name not in _NOT_KEPT
        )
        return Answered(response.status_code, kept, tuple(pieces), streamed, broken)

    def _keep(self, recorder: Recorder, number: int, request: Request | None, answered: Answered) -> None:
        """Take the secrets out, then write; what spells out a secret in pieces is not written at all."""
        entry, redactor = self.entry, Redactor.of(self.call.headers, self.call.query_string.decode("latin-1"))
        clean = replace(answered, pieces=redactor.pieces(answered.pieces))
        if request is not None:
            try:
                completion = decoded(request.protocol, clean)
            except Undecodable:
                pass  # it can be replayed to its own protocol all the same
            else:
                describe(entry, completion)
                said = shown(completion)
                if redactor.data(said) != said:
                    recorder.problem(
                        f"exchange {number} is not recorded: its answer spells out what looks like a secret, in pieces "
                        "that cannot be redacted one by one; ask for it without streaming"
                    )
                    self._record("complete")
                    return
        if answered.status >= 400:
            entry.answer = clean.body.decode("utf-8", "replace")
        recorder.keep(Recorded(number, asked_of(self.call, request), clean, self.call.session))
        self._record("complete" if answered.broken_at is None else "cut")


def _unreachable(text: str) -> Reply:
    return Reply(502, orjson.dumps({"error": {"message": text, "type": "server_error", "param": None, "code": None}}))
