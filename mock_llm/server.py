"""The server: a raw ASGI application. `mock_llm.exchange` follows each request through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_llm import codecs as codecs_package
from mock_llm import faults as faults_package
from mock_llm import pacing as pacing_package
from mock_llm.clock import Clock, RealClock
from mock_llm.codecs.protocol import Call
from mock_llm.exchange import Exchange
from mock_llm.faults.plan import FaultPlan
from mock_llm.journal import Entry, Journal
from mock_llm.meters import Meters
from mock_llm.pacing import Pacing
from mock_llm.routing import Router
from mock_llm.script.model import Script, Unused
from mock_llm.seed import Seed
from mock_llm.session import Sessions
from mock_llm.settings import Settings
from mock_llm.wire import Receive, Scope, Send, read_body

if TYPE_CHECKING:
    from mock_llm.recording import Recorder, Replay

ADMIN = ("/_mock", "/health", "/metrics")


class Server:
    """An ASGI application. Its parts are public, for the admin API and for `MockLLM`."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        script: Script | None = None,
        faults: FaultPlan | None = None,
        pacing: Pacing | None = None,
        clock: Clock | None = None,
        journal: Journal | None = None,
        recorder: Recorder | None = None,
        replay: Replay | None = None,
    ) -> None:
        """recorder: everything goes on to its upstream. replay: what no rule answers, a recording does."""
        faults_package.discover()
        pacing_package.discover()
        self.settings = settings or Settings()
        self.clock: Clock = clock or RealClock()
        self.script = script or Script()
        self.faults = faults or FaultPlan()
        self.pacing = pacing
        self.journal = journal or Journal()
        self.meters = Meters()
        self.seed = Seed(self.settings.seed)
        self.sessions = Sessions(self.seed, self.script)
        self.codecs = codecs_package.discover()
        self.router = Router(self.codecs)
        self.load_memory: dict[str, Any] = {}
        self.in_flight = 0
        self.recorder: Any = recorder
        self.replay: Any = replay
        self._exchange: type[Exchange] = Exchange
        if recorder is not None:
            from mock_llm.recording.forwarding import Forwarding

            if self.clock.virtual:
                raise ValueError("a provider answers in real time: record without a virtual clock")
            recorder.open(self.clock.now())
            self._exchange = Forwarding
        elif replay is not None:
            from mock_llm.recording.replaying import Replaying

            self._exchange = Replaying
        self._admin: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await _lifespan(receive, send)
            return
        path: str = scope["path"]
        if path.startswith(ADMIN):
            await self.admin()(scope, receive, send)
            return
        headers = dict(scope["headers"])
        name, path = self.sessions.resolve(path, headers)
        session = self.sessions.get(name)
        method: str = scope["method"]
        body = await read_body(receive)
        ordinal = session.next_ordinal()
        found = self.router.find(method, path, headers)
        call = Call(
            method=method,
            path=path,
            headers=headers,
            body=body,
            params=found[2] if found else None,
            query_string=scope["query_string"],
            session=name,
            ordinal=ordinal,
            seed=session.seed.derive(ordinal),
            now=self.clock.now(name),
            store=session.store,
            settings=self.settings,
        )
        self.in_flight += 1
        session.open += 1
        try:
            await self._exchange(self, session, call, scope, receive, send).run(found)
        finally:
            self.in_flight -= 1
            session.open -= 1

    def admin(self) -> Any:
        """The admin API, made when first asked for: FastAPI is slow to import."""
        if self._admin is None:
            from mock_llm.admin.app import build

            self._admin = build(self)
        return self._admin

    def record(self, entry: Entry) -> None:
        """Put an answered request into the journal and the meters."""
        self.journal.add(entry)
        meters = self.meters
        meters.requests[entry.protocol, entry.model, entry.status] += 1
        where = entry.protocol, entry.route
        meters.duration[where].add(entry.duration_s)
        if entry.first_byte_s is not None:
            meters.first_byte[where].add(entry.first_byte_s)
        if entry.prompt_tokens:
            meters.tokens[entry.model, "prompt"] += entry.prompt_tokens
            meters.tokens[entry.model, "completion"] += entry.completion_tokens
        for kind in entry.faults:
            meters.faults[kind] += 1
        if entry.rule:
            meters.rules[entry.rule] += 1
        if entry.aborted:
            meters.aborted += 1

    def unused(self, name: str | None = None) -> list[Unused]:
        """Rules and recorded exchanges that never answered: the server's own, or by the progress of a session."""
        replay = self.replay
        if name is None:
            return self.script.unused() + (replay.unused() if replay is not None else [])
        session = self.sessions.get(name)
        return session.script.unused() + (replay.unused(name, session.played) if replay is not None else [])

    async def aclose(self) -> None:
        """Let go of what a recording holds open."""
        if self.recorder is not None:
            await self.recorder.aclose()

    def reset(self) -> None:
        """Start every session anew and empty the journal; rules and plans stay."""
        for session in self.sessions:
            session.reset()
            self.faults.reset(session.name)
            if session.faults is not None:
                session.faults.reset(session.name)
        self.script.reset()
        self.journal.clear()


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
