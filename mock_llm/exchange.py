"""One request on its way: codec, script, faults, pacing, wire, journal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from mock_llm.codecs.protocol import JSON, ApiError, Call, Codec, Reply, Route
from mock_llm.completion import Completion, Request
from mock_llm.faults.fault import Hit
from mock_llm.outline import describe, note_headers, note_request
from mock_llm.pacing import from_data
from mock_llm.routing import Found
from mock_llm.script.auto import auto_answer
from mock_llm.script.matchers import Scene
from mock_llm.script.nearest import unmatched
from mock_llm.script.template import TemplateError
from mock_llm.sending import Sending
from mock_llm.session import api_key
from mock_llm.shape import finish

if TYPE_CHECKING:
    from mock_llm.server import Server


class Exchange(Sending):
    """Follows one request; `run` returns when its answer is sent, cut, or the client has gone."""

    __slots__ = ()

    async def run(self, found: Found | None) -> None:
        """Answer the request. `found` is None for a path that no protocol has."""
        note_headers(self.entry, self.call.headers)
        try:
            if found is None:
                await self._whole(self._unrouted())
                return
            codec, route, _ = found
            self.codec = codec
            self.entry.protocol, self.entry.route = codec.name, route.path
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
        if self.struck and codec.hints.answer_id is not None:
            self.entry.answer_id = codec.hints.answer_id(call)
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
        told = dict(error.headers).get(b"x-should-retry")
        if told is not None:
            self.entry.should_retry = told == b"true"
        reply = codec.error(error, self.call)
        return replace(reply, headers=reply.headers + error.headers) if error.headers else reply


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
