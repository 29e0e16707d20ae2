"""An answer on its way over the wire: when each frame leaves, what faults do to it, and its line in the journal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from mock_llm.codecs.protocol import Call, Codec, Frame, Headers, Reply
from mock_llm.completion import Completion, Request
from mock_llm.faults.fault import Cut, Fault, Hit, Step, Steps
from mock_llm.journal import Entry
from mock_llm.pacing import Load, Pacing
from mock_llm.session import Session
from mock_llm.wire import Receive, Scope, Send, cut, extension, watch

if TYPE_CHECKING:
    from mock_llm.server import Server

Struck = tuple[tuple[Fault, Hit], ...]
_FOREVER = 86_400.0
_LAST = frozenset({"done", "body"})  # frames after which a client has all of the answer


class Sending:
    """One request's side of the wire. What to answer is decided elsewhere (`mock_llm.exchange`)."""

    __slots__ = (
        "call", "codec", "delay", "entry", "pacing", "receive", "scope", "send", "server", "session",
        "struck", "timeline", "watcher",
    )  # fmt: skip

    def __init__(
        self, server: Server, session: Session, call: Call, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.server = server
        self.session = session
        self.call = call
        self.scope = scope
        self.receive = receive
        self.send = send
        limit = extension(scope, "mock_llm.read_limit") if server.clock.virtual else None
        self.timeline = server.clock.timeline(call.session, limit)
        self.entry = Entry(call.session, call.ordinal, "", call.method, call.path, at=call.now, request=call.body)
        self.codec: Codec | None = None
        self.struck: Struck = ()
        self.delay = 0.0
        self.pacing: Pacing | None = session.pacing or server.pacing
        self.watcher: asyncio.Task[None] | None = None

    async def _whole(self, reply: Reply) -> None:
        entry = self.entry
        for fault, hit in self.struck:
            reply = fault.reply(reply, hit)
        entry.status = reply.status
        if reply.usage is not None:
            entry.prompt_tokens = reply.usage.prompt
            entry.completion_tokens = reply.usage.completion
        if reply.model:
            entry.model = reply.model
        if reply.status >= 400:
            entry.answer = reply.body.decode("utf-8", "replace")
        at = self.delay
        if self.pacing is not None and reply.status < 400:
            frame = Frame(reply.body, "body", entry.completion_tokens)
            at += self._schedule([frame])[-1]
        if self.struck:
            steps: Steps = [Step(at, Frame(reply.body, "body", entry.completion_tokens))]
            for fault, hit in self.struck:
                steps = fault.steps(steps, hit)
            if len(steps) != 1 or isinstance(steps[0], Cut):
                await self._steps(reply.status, _length(reply.headers, reply.body), steps)
                return
            at, reply = steps[0].at, replace(reply, body=steps[0].frame.data)
        if at > 0:
            self._watch()
            if not await self.timeline.until(at, self.watcher):
                self._record("aborted")
                return
        entry.first_byte_s = self.timeline.elapsed()
        self._record("complete")
        await self.send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [*reply.headers, (b"content-length", b"%d" % len(reply.body))],
            }
        )
        await self.send({"type": "http.response.body", "body": reply.body})

    async def _stream(self, codec: Codec, request: Request, completion: Completion) -> None:
        frames = list(codec.stream(completion, request, self.call))
        start = Reply(200, b"", codec.stream_headers(request, self.call))
        for fault, hit in self.struck:
            start = fault.reply(start, hit)
        self.entry.status = start.status
        offsets = self._schedule(frames) if self.pacing is not None else None
        if offsets is None and not self.struck and self.delay == 0:
            await self._at_once(start, frames)
            return
        steps: Steps = [
            Step(self.delay + (offsets[i] if offsets is not None else 0.0), frame) for i, frame in enumerate(frames)
        ]
        for fault, hit in self.struck:
            steps = fault.steps(steps, hit)
        await self._steps(start.status, start.headers, steps)

    def _schedule(self, frames: list[Frame]) -> list[float]:
        assert self.pacing is not None
        server, session, entry = self.server, self.session, self.entry
        # Virtual time runs per session: only within one is there an order that does not depend on the machine.
        alone = server.clock.virtual
        load = Load(
            self.call.now,
            session.open if alone else server.in_flight,
            entry.prompt_tokens,
            entry.cached_tokens,
            session.load_memory if alone else server.load_memory,
        )
        return list(self.pacing.schedule(frames, self.call.seed.rng("pacing"), load))

    async def _at_once(self, start: Reply, frames: list[Frame]) -> None:
        """Without waits the first frame goes alone and the rest in one write: clients see the same bytes."""
        send = self.send
        await send({"type": "http.response.start", "status": start.status, "headers": start.headers})
        self.entry.first_byte_s = self.timeline.elapsed()
        self.entry.frames = len(frames)
        await send({"type": "http.response.body", "body": frames[0].data, "more_body": True})
        self._record("complete")
        rest = b"".join([frame.data for frame in frames[1:]])
        await send({"type": "http.response.body", "body": rest})

    async def _steps(self, status: int, headers: Headers, steps: Steps) -> None:
        """Send timed frames until they end, are cut, or the client goes."""
        self._watch()
        entry, timeline, watcher, send = self.entry, self.timeline, self.watcher, self.send
        started = False
        last = len(steps) - 1
        for index, step in enumerate(steps):
            if not await timeline.until(step.at, watcher):
                self._record("aborted")
                return
            if not started and not (isinstance(step, Cut) and index == 0 and step.how != "stall"):
                await send({"type": "http.response.start", "status": status, "headers": headers})
                started = True
            if isinstance(step, Cut):
                entry.sent_whole = any(isinstance(s, Step) and s.frame.kind in _LAST for s in steps[:index])
                await self._cut(step)
                return
            if entry.first_byte_s is None:
                entry.first_byte_s = timeline.elapsed()
            entry.frames += 1
            if index == last:
                self._record("complete")
            await send({"type": "http.response.body", "body": step.frame.data, "more_body": index != last})
            if watcher is not None and watcher.done() and index != last:
                self._record("aborted")
                return
        if not steps:
            self._record("complete")
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    async def _cut(self, step: Cut) -> None:
        if step.how == "stall":
            await self.timeline.until(self.timeline.elapsed() + _FOREVER, self.watcher)
            self._record("aborted")
            return
        self._record("cut")
        # One turn of the loop, so that what was written before has left the buffers.
        await asyncio.sleep(0)
        cut(self.scope, self.send, step.how)

    def _watch(self) -> None:
        if self.watcher is None:
            self.watcher = asyncio.ensure_future(watch(self.receive))

    def _record(self, ended: str) -> None:
        """The line in the journal: before the last byte leaves, so that who has the answer finds the line."""
        entry = self.entry
        entry.ended = ended
        entry.aborted = ended == "aborted"
        entry.duration_s = self.timeline.elapsed()
        self.session.spend(entry.model, entry.prompt_tokens, entry.completion_tokens)
        self.server.record(entry)


def _length(headers: Headers, body: bytes) -> Headers:
    """A whole answer that is cut keeps the length it promised."""
    return (*headers, (b"content-length", b"%d" % len(body)))
