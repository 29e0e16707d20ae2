"""One request on its way through a server that replays: rules first, then the recording, never a made-up answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from mock_llm.codecs.protocol import ApiError, Codec, Frame, Reply, Route
from mock_llm.completion import Completion, Request
from mock_llm.exchange import Exchange
from mock_llm.faults.fault import Cut, Fault, Step, Steps
from mock_llm.outline import describe
from mock_llm.recording.decoders import Undecodable, decoded
from mock_llm.recording.stretched import Stretched
from mock_llm.recording.tape import Answered
from mock_llm.script.matchers import Scene

if TYPE_CHECKING:
    from mock_llm.recording.replay import Replay, Take

STALE = "mock_stale"


@dataclass(frozen=True, slots=True)
class Played(Reply):
    """A recorded stream: its chunks at their times instead of a body."""

    steps: tuple[Step | Cut, ...] = ()


class Replaying(Exchange):
    """Faults strike replayed answers like others; one that changes what is said has it said anew by the codec."""

    __slots__ = ()

    @property
    def _replay(self) -> Replay:
        replay: Replay = self.server.replay
        return replay

    def _unrouted(self) -> Reply:
        take = self._replay.by_body(self.call, self.session.played)
        if take is None:
            text = self._replay.stale(self.call, None, self.session.played)
            self.entry.error = text
            error = {"message": text, "type": "invalid_request_error", "param": None, "code": STALE}
            return Reply(400, orjson.dumps({"error": error}))
        return self._bytes(take)

    def _plain(self, codec: Codec, route: Route) -> Reply | None:
        take = self._replay.by_body(self.call, self.session.played)
        if take is None:
            if route.answer is None:
                return None
            raise ApiError(400, self._replay.stale(self.call, None, self.session.played), code=STALE)
        refused = self._strike(codec, None, self.entry.model, "")
        return refused if refused is not None else self._bytes(take)

    def _unscripted(self, scene: Scene) -> Reply | Completion:
        request = scene.request
        take = self._replay.by_request(self.call, request, self.session.played)
        if take is None:
            raise ApiError(400, self._replay.stale(self.call, request, self.session.played), code=STALE)
        self.session.script.take(None)
        self.entry.rule = f"exchange {take.recorded.number}"
        rewritten = any(type(fault).complete is not Fault.complete for fault, _ in self.struck)
        if take.as_bytes and not rewritten:
            return self._bytes(take, request)
        answered = take.recorded.answered
        if answered.status >= 400:
            self._use(take)
            raise _as_error(answered)
        try:
            completion = decoded(request.protocol if take.as_bytes else _protocol(take), answered)
        except Undecodable as error:
            raise ApiError(
                400, f"mock-llm: {take.recorded} cannot be told to {request.protocol}: {error}", code=STALE
            ) from None
        self._use(take)
        replay, pieces = self._replay, answered.pieces
        self.pacing = Stretched(replay.at(pieces[0].at), replay.at(pieces[-1].at)) if pieces else None
        same = request.protocol == _protocol(take)
        return completion if same else replace(completion, model="")

    def _use(self, take: Take) -> None:
        if not any(fault.spoils for fault, _ in self.struck):
            self.session.played.add(take.recorded.number)
            self._replay.played.add(take.recorded.number)

    def _bytes(self, take: Take, request: Request | None = None) -> Reply:
        """The answer as it was recorded."""
        self._use(take)
        answered, entry = take.recorded.answered, self.entry
        if request is not None:
            try:
                describe(entry, decoded(request.protocol, answered))
            except Undecodable:
                pass  # the journal then has no blocks to show
        headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in answered.headers)
        self.pacing = None
        at = self._replay.at
        if not answered.streamed and answered.broken_at is None:
            self.delay += at(answered.pieces[-1].at) if answered.pieces else 0.0
            return Reply(answered.status, answered.body, headers)
        steps: Steps = [Step(at(piece.at), Frame(piece.data, "recorded")) for piece in answered.pieces]
        if answered.broken_at is not None:
            steps.append(Cut(at(answered.broken_at), "fin"))
        return Played(answered.status, b"", headers, steps=tuple(steps))

    async def _whole(self, reply: Reply) -> None:
        if not isinstance(reply, Played):
            await super()._whole(reply)
            return
        start = Reply(reply.status, b"", reply.headers)
        for fault, hit in self.struck:
            start = fault.reply(start, hit)
        self.entry.status = start.status
        steps: Steps = [replace(step, at=step.at + self.delay) for step in reply.steps]
        for fault, hit in self.struck:
            steps = fault.steps(steps, hit)
        await self._steps(start.status, start.headers, steps)


def _protocol(take: Take) -> str:
    return str((take.recorded.asked.neutral or {})["protocol"])


def _as_error(answered: Answered) -> ApiError:
    """A recorded refusal for a client of another protocol: status, message and Retry-After."""
    message = answered.body.decode("utf-8", "replace")
    try:
        body = orjson.loads(answered.body)
        error = body.get("error") if isinstance(body, dict) else None
        message = str(error.get("message")) if isinstance(error, dict) else str(error or message)
    except ValueError:
        pass
    after = tuple((name.encode(), value.encode()) for name, value in answered.headers if name == "retry-after")
    return ApiError(answered.status, message, headers=after)
