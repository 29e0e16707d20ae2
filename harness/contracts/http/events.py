"""A task's events as server-sent events (the HTML standard, 9.2): in order, to the end, and resumable.

A reader whose connection broke sends the id of the last event it has. What is lost or told twice then is lost or told
twice to a user who watches an agent work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError

from harness.contracts.http.door import TaskDoor
from harness.contracts.promises import Promises
from harness.targets import http_errors

PROMPT = "Say hello in one short sentence."


@dataclass(frozen=True)
class Event:
    """One event as it came; two are the same when all three are."""

    id: str
    kind: str
    data: str


@dataclass(frozen=True)
class Told:
    """What one stream said: its status, its events, and whether it ended by itself in good order."""

    code: int | None
    media_type: str
    events: tuple[Event, ...]
    ended: bool
    error: str = ""

    def payload(self) -> dict[str, Any]:
        """The stream as evidence."""
        shown = [{"id": event.id, "event": event.kind, "data": event.data[:300]} for event in self.events[:50]]
        return {"status": self.code, "content_type": self.media_type, "ended": self.ended, "error": self.error,
                "events": shown}  # fmt: skip


@dataclass(frozen=True)
class Events:
    """Checks the stream of events of one task. `url` is the service's; `headers` let the harness in."""

    door: TaskDoor
    http: httpx.AsyncClient
    url: str
    headers: dict[str, str]
    promises: Promises
    unique: str
    timeout_s: float

    async def check(self, route: str) -> None:
        """Follow a task live, then again from each place at which a reader may have been cut off."""
        submit = self.door.api.submit
        if submit is None:
            self.promises.not_applicable("events: no `submit` route is declared")
            return
        sent = await self.door.send(submit, self.door.body(PROMPT), key=f"events-{self.unique}")
        task = self.door.task_id(sent)
        if not self.door.accepted(sent) or not task:
            self._nothing(route, f"no task to follow: {sent.outcome}")
            return
        live = await self._follow(route, task)
        if not self._streams(route, live):
            return
        state = self.door.state(await self.door.status(task)) if self.door.api.status else ""
        self._ends(route, live, state)
        self._ordered(route, live)
        again = await self._follow(route, task)
        self._same(route, "events.late", "who asks when the task is over is told the whole story",
                   live.events, again, "keep events as long as results")  # fmt: skip
        if all(event.id for event in live.events):
            for place in sorted({0, len(live.events) // 2, len(live.events) - 1}):
                rest = await self._follow(route, task, after=live.events[place].id)
                self._same(route, "events.resume", f"after event {place + 1} of {len(live.events)} comes what follows",
                           live.events[place + 1 :], rest,
                           "go on right behind the event that Last-Event-ID names")  # fmt: skip
        unknown = await self._follow(route, f"no-such-task-{self.unique}")
        self.promises.judge(
            unknown.code == 404,
            "events.unknown",
            route,
            "the events of a task that never was are 404",
            detail=f"HTTP {unknown.code}" if unknown.code else unknown.error,
            payload=unknown.payload(),
            fix="look the task up before the stream begins",
        )

    async def _follow(self, route: str, task: str, after: str = "") -> Told:
        method, _, path = route.partition(" ")
        resume = {"Last-Event-ID": after} if after else {}
        headers = {**self.headers, "Accept": "text/event-stream", **resume}
        found: list[Event] = []
        code: int | None = None
        media = ""
        try:
            async with asyncio.timeout(self.timeout_s), self.http.stream(
                method, self.url + path.replace("{id}", task), headers=headers, timeout=self.timeout_s
            ) as response:  # fmt: skip
                code, media = response.status_code, response.headers.get("content-type", "")
                if code == 200 and media.startswith("text/event-stream"):
                    async for event in EventSource(response).aiter_sse():
                        if event.data:
                            found.append(Event(event.id, event.event, event.data))
        except TimeoutError:
            return Told(code, media, tuple(found), False, f"open after {self.timeout_s:g} s")
        except (httpx.HTTPError, SSEError, UnicodeDecodeError) as error:
            name = http_errors.name(error) if isinstance(error, httpx.HTTPError) else type(error).__name__
            return Told(code, media, tuple(found), False, name)
        return Told(code, media, tuple(found), True)

    def _streams(self, route: str, live: Told) -> bool:
        return self.promises.judge(
            live.code in (200, 204) and (live.code == 204 or live.media_type.startswith("text/event-stream")),
            "events.stream",
            route,
            "the events of a task come as text/event-stream",
            detail=f"HTTP {live.code}, {live.media_type or 'no content type'}" if live.code else live.error,
            payload=live.payload(),
            fix="answer 200 with Content-Type: text/event-stream",
        )

    def _ends(self, route: str, live: Told, state: str) -> None:
        said = bool(live.events) and (not state or state in live.events[-1].data)
        self.promises.judge(
            live.ended and said,
            "events.end",
            route,
            "the stream ends when the task does, and its last event says how",
            detail=f"{len(live.events)} events, the task is {state or 'over'}, the last event "
            f"{live.events[-1].data[:120] if live.events else 'is missing'}"
            + ("" if live.ended else f"; {live.error}"),
            payload=live.payload(),
            fix="send the final state as an event, then close the stream",
            cases=len(live.events),
        )

    def _ordered(self, route: str, live: Told) -> None:
        ids = [event.id for event in live.events]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        self.promises.judge(
            bool(ids) and all(ids) and not twice,
            "events.ids",
            route,
            "every event has an id of its own, so that a reader can go on behind it",
            detail=f"{len(set(ids))} ids for {len(ids)} events" + (f"; twice: {twice[0]}" if twice else ""),
            payload=live.payload(),
            fix="give each event an id that no other of the task has",
            cases=len(ids),
        )

    def _same(self, route: str, check: str, title: str, wanted: Sequence[Event], told: Told, fix: str) -> None:
        """Exactly `wanted`: nothing lost, nothing twice. A 204 says that there is nothing more."""
        lost = [event for event in wanted if event not in told.events]
        holds = told.ended and told.code in (200, 204) and list(told.events) == list(wanted)
        more = len(told.events) - len(wanted) + len(lost)
        self.promises.judge(
            holds,
            check,
            route,
            title,
            detail=f"{len(told.events)} events, {len(wanted)} expected"
            + (f"; lost: {lost[0].kind} {lost[0].id}" if lost else "")
            + (f"; {more} that should not come" if more else "")
            + (f"; {told.error}" if told.error else ""),
            payload={"expected": [event.id for event in wanted], **told.payload()},
            fix=fix,
            cases=max(1, len(wanted)),
        )

    def _nothing(self, route: str, detail: str) -> None:
        self.promises.undecided(
            "events.checked", route, "a task's events are checked", detail=detail, fix="see the checks of `tasks`"
        )
