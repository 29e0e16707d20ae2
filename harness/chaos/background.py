"""The load behind an experiment: tasks at seeded random times, each followed to its end by its own client."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future

import httpx

from harness.chaos.experiment import Load
from harness.core.clock import Clock
from harness.core.events import Note
from harness.core.seed import Seed
from harness.evidence.recorder import Recorder
from harness.targets.target import Target
from harness.targets.tasks import TaskClient, TaskReply

REQUEST_TIMEOUT_S = 10.0


class BackgroundLoad:
    """Runs in a thread with a loop of its own, since Chaos Toolkit holds the main thread.

    Arrivals are a Poisson process of `load.rate` drawn from `seed`; nothing that the target does delays one.
    `phase` is asked at each arrival. `unique` keeps keys and sessions apart from those of any other run.
    """

    def __init__(
        self,
        load: Load,
        target: Target,
        recorder: Recorder,
        clock: Clock,
        seed: Seed,
        *,
        scope: str,
        unique: str,
        phase: Callable[[], str],
        headers: Mapping[str, str],
        suite: str = "chaos",
    ) -> None:
        self.submitted = 0
        self._load = load
        self._target = target
        self._recorder = recorder
        self._clock = clock
        self._seed = seed
        self._scope = scope
        self._suite = suite
        self._unique = unique
        self._phase = phase
        self._headers = dict(headers)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="background-load", daemon=True)
        self._arrivals: Future[None] | None = None
        self._users: set[asyncio.Task[None]] = set()
        self._http: httpx.AsyncClient | None = None

    def start(self) -> None:
        """Begin to submit."""
        self._thread.start()
        self._arrivals = asyncio.run_coroutine_threadsafe(self._arrive(), self._loop)

    def stop(self) -> None:
        """Submit nothing more. The tasks under way are still followed."""
        if self._arrivals is not None:
            self._arrivals.cancel()

    def settle(self, timeout_s: float, stopped: threading.Event) -> int:
        """Wait until every client is done, for `timeout_s` seconds at most or until `stopped`.

        Returns how many were not; these are let go, which the history shows as `info`.
        """
        deadline = self._clock.monotonic() + timeout_s
        while self._users and self._clock.monotonic() < deadline and not stopped.wait(0.05):
            pass
        return len(self._users)

    def close(self) -> None:
        """End everything; the operations that are open end as `info`. Safe to repeat."""
        self.stop()
        if self._loop.is_closed():
            return
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=20)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=20)
        self._loop.close()

    async def _end(self) -> None:
        users = list(self._users)
        for user in users:
            user.cancel()
        await asyncio.gather(*users, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    async def _arrive(self) -> None:
        rng = self._seed.derive("arrivals").rng()
        limits = httpx.Limits(max_connections=500, max_keepalive_connections=50)
        self._http = httpx.AsyncClient(timeout=REQUEST_TIMEOUT_S, limits=limits, trust_env=False)
        client = TaskClient(
            self._target.service(self._load.service),
            http=self._http,
            recorder=self._recorder,
            clock=self._clock,
            suite=self._suite,
            scope=self._scope,
            headers={**self._target.headers, **self._headers},
        )
        due = self._clock.monotonic()
        for number in itertools.count(1):
            due += rng.expovariate(self._load.rate)
            await asyncio.sleep(max(0.0, due - self._clock.monotonic()))
            self.submitted += 1
            user = asyncio.get_running_loop().create_task(self._one(client, number, self._phase()))
            self._users.add(user)
            user.add_done_callback(self._done)

    def _done(self, user: asyncio.Task[None]) -> None:
        self._users.discard(user)
        if not user.cancelled() and user.exception() is not None:
            text = f"a client of the background load broke: {user.exception()!r}"
            self._recorder.emit(Note(level="error", text=text), suite=self._suite, scope=self._scope)

    async def _one(self, client: TaskClient, number: int, phase: str) -> None:
        me = f"{self._unique}-{number}"
        trace = f"{self._seed.derive(self._unique, number).number():016x}{number:016x}"
        user = client.as_process(me, {"traceparent": f"00-{trace}-{trace[:15]}1-01"})
        prompt = self._load.prompts[(number - 1) % len(self._load.prompts)]
        reply = await self._submit(user, prompt, me, phase)
        if reply.ok and reply.task_id and not user.is_over(reply):
            await user.wait(reply.task_id, timeout_s=self._load.deadline_s, phase=phase, first_s=0.1, most_s=0.5)

    async def _submit(self, user: TaskClient, prompt: str, me: str, phase: str) -> TaskReply:
        """Hand one task in; what got no clear answer is sent again under the same key, as any client should."""
        pause = 0.2
        for attempt in itertools.count(1):
            reply = await user.submit(prompt, key=me, session=me, phase=phase)
            retryable = reply.step == "info" or reply.code in (None, 429)
            if not retryable or attempt >= self._load.attempts:
                return reply
            await asyncio.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable")
