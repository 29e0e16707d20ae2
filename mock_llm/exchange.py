"""One request on its way: codec, script, faults, pacing, wire, journal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from mock_llm.codecs.protocol import JSON, ApiError, Call, Codec, Frame, Headers, Reply, Route
from mock_llm.completion import Completion, Request
from mock_llm.faults.fault import Cut, Fault, Hit, Step, Steps
from mock_llm.journal import Entry
from mock_llm.outline import describe, note_headers, note_request
from mock_llm.pacing import Load, Pacing, from_data
from mock_llm.routing import Found
from mock_llm.script.auto import auto_answer
from mock_llm.script.matchers import Scene
from mock_llm.script.nearest import unmatched
from mock_llm.script.template import TemplateError
from mock_llm.session import Session, api_key
from mock_llm.shape import finish
from mock_llm.wire import Receive, Scope, Send, cut, extension, watch

if TYPE_CHECKING:
    from mock_llm.server import Server

Struck = tuple[tuple[Fault, Hit], ...]


class Exchange:
    """Follows one request; `run` returns when its answer is sent, cut, or the client has gone."""

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

    async def run(self, found: Found | None) -> None:
        """Answer the request. `found` is None for a path that no protocol has."""
        note_headers(self.entry, self.call.headers)
        try:
            if found is None:
                await self._whole(self._unrouted())
                return
            codec, route, _ = found
            self.codec = codec
            self.entry.protocol = codec.name
            try:
                made = self._made(codec, route)
            except ApiError as error:
                made = self._error(codec, error)
            if isinstance(made, Reply):
                await self._whole(made)
            else:
                request, completion = made
                if request.stream:
                    await self._stream(codec, request, completion)
                else:
                    await self._whole(codec.render(completion, request, self.call))
        except asyncio.CancelledError:
            # An in-process client closed its response.
            if not self.entry.seq:
                self._record("aborted")
            raise
        finally:
            if self.watcher is not None:
                self.watcher.cancel()

    # What to answer: all of it between two awaits, so that concurrent requests cannot interleave.

    def _made(self, codec: Codec, route: Route) -> Reply | tuple[Request, Completion]:
        call = self.call
        if self.server.settings.require_key and api_key(call.headers) is None and not call.query.get("key"):
            raise ApiError(401, kind="authentication")
        if call.body and call.method != "GET":
            try:
                call.json = orjson.loads(call.body)
            except ValueError:
                if route.answer is None or b"json" in call.headers.get(b"content-type", b""):
                    raise ApiError(
                        400, "We could not parse the JSON body of your request.", code="invalid_json"
                    ) from None
        plain = self._plain(codec, route)
        if plain is not None:
            return plain
        request = codec.parse(call)
        if isinstance(request, Reply):
            return request
        note_request(self.entry, request)
        return self._spoken(codec, request)

    def _unrouted(self) -> Reply:
        """The answer on a path that no protocol has."""
        return _no_route(self.server, self.call)

    def _plain(self, codec: Codec, route: Route) -> Reply | None:
        """The answer of an endpoint that generates nothing; None where it does."""
        call = self.call
        if route.answer is None:
            return None
        model = call.json.get("model") if isinstance(call.json, dict) else None
        self.entry.model = model if isinstance(model, str) else ""
        refused = self._strike(codec, None, self.entry.model, "")
        return refused if refused is not None else route.answer(call)

    def _spoken(self, codec: Codec, request: Request) -> Reply | tuple[Request, Completion]:
        call, script = self.call, self.session.script
        scene = script.scene(request)
        rule = script.match(scene)
        name = rule.name if rule is not None else ""
        self.entry.rule = name
        refused = self._strike(codec, request, request.model, name)
        if refused is not None:
            return refused
        if rule is None:
            made = self._unscripted(scene)
            if isinstance(made, Reply):
                return made
            completion = made
        else:
            answer = script.peek(rule)
            if not any(fault.spoils for fault, _ in self.struck):
                script.take(rule)
            self.delay += answer.delay
            if answer.pacing is not None:
                self.pacing = from_data(dict(answer.pacing))
            try:
                completion = answer.build(scene, call.seed, call.now)
            except TemplateError as error:
                raise ApiError(500, f"mock-llm: rule {name!r}: {error}", code="mock_template") from None
        for fault, hit in self.struck:
            completion = fault.complete(completion, hit)
        completion = finish(completion, request, call, codec)
        describe(self.entry, completion)
        return request, completion

    def _unscripted(self, scene: Scene) -> Reply | Completion:
        """The answer to a request that no rule matches."""
        if self.server.settings.mode == "strict":
            raise unmatched(self.session.script, scene)
        self.session.script.take(None)
        return auto_answer(scene.request, self.call.seed)

    def _strike(self, codec: Codec, request: Request | None, model: str, rule: str) -> Reply | None:
        """Let the plans decide; a Reply when a fault answers instead."""
        own, common = self.session.faults, self.server.faults
        if (own is None or not own.entries) and not common.entries:
            return None
        hit = Hit(self.call, codec, request, model, rule, self.call.seed, self.call.now)
        self.struck = (own.decide(hit) if own is not None else ()) + common.decide(hit)
        self.entry.faults = tuple(fault.kind for fault, _ in self.struck)
        for fault, at in self.struck:
            self.delay += fault.delay(at)
        for fault, at in self.struck:
            refused = fault.refuse(at)
            if isinstance(refused, ApiError):
                return self._error(codec, refused)
            if refused is not None:
                return refused
        return None

    def _error(self, codec: Codec, error: ApiError) -> Reply:
        self.entry.error = error.message or error.kind
        self.entry.retry_after = error.retry_after
        reply = codec.error(error, self.call)
        return replace(reply, headers=reply.headers + error.headers) if error.headers else reply

    # How it goes over the wire.

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
        self.server.record(entry)


_FOREVER = 86_400.0


def _length(headers: Headers, body: bytes) -> Headers:
    """A whole answer that is cut keeps the length it promised."""
    return (*headers, (b"content-length", b"%d" % len(body)))


def _no_route(server: Server, call: Call) -> Reply:
    """What providers say of a path or method they do not have; `message` helps with a wrong base URL."""
    methods = server.router.methods(call.path)
    if methods:
        text = f"Not allowed to {call.method} on {call.path}. (HINT: Perhaps you meant to {' or '.join(methods)}?)"
        status = 405
    else:
        text, status = f"Invalid URL ({call.method} {call.path})", 404
    body = {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": None}}
    return Reply(status, orjson.dumps(body), (*JSON, (b"x-request-id", call.id("req_").encode())))
