"""The life of a task: accepted, followed, over, and then never different again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import pairwise

from pydantic import JsonValue

from harness.contracts.http.door import TaskDoor, Watched, fields
from harness.contracts.http.exchange import Caller, Exchange
from harness.contracts.promises import Promises
from harness.targets.fields import pick

PROMPT = "Say hello in one short sentence."
STILL_POLLS = 4
STILL_PAUSE_S = 0.1


@dataclass(frozen=True)
class Lifecycle:
    """Checks one task from its submission to after its end, and what becomes of ids that never were.

    `unique` makes prompts and ids that nothing else uses. `timeout_s` bounds one task.
    """

    door: TaskDoor
    caller: Caller
    promises: Promises
    unique: str
    timeout_s: float

    async def check(self) -> None:
        """Run every check of the group; each leaves its own event."""
        api = self.door.api
        if api.submit is None:
            self.promises.not_applicable("the task life cycle: no `submit` route is declared")
        else:
            await self._submitted(api.submit)
        if api.status is None:
            self.promises.not_applicable("unknown task ids: no `status` route is declared")
        else:
            await self._unknown(api.status, "status", await self.door.status(f"no-such-task-{self.unique}"))
        if api.cancel is None:
            self.promises.not_applicable("cancelling: no `cancel` route is declared")
        else:
            await self._unknown(api.cancel, "cancel", await self.door.cancel(f"no-such-task-{self.unique}"))
        if api.run is None:
            self.promises.not_applicable("the synchronous door: no `run` route is declared")
        else:
            await self._run(api.run)

    async def _submitted(self, route: str) -> None:
        api = self.door.api
        sent = await self.door.send(route, self.door.body(PROMPT), key=f"life-{self.unique}")
        task_id = self.door.task_id(sent)
        if self.door.accepted(sent) and not task_id:
            self.promises.undecided(
                "tasks.accepted",
                route,
                f"a valid task is accepted and given an id in `{api.id_field}`",
                detail=f"{sent.outcome} without `{api.id_field}`{fields(sent)}",
                payload=sent.payload(),
                fix="name the field in id_field of the service's [.tasks], or answer with an id",
            )
            return
        taken = self.promises.judge(
            self.door.accepted(sent) and bool(task_id),
            "tasks.accepted",
            route,
            f"a valid task is accepted and given an id in `{api.id_field}`",
            detail=f"{sent.outcome}, id {task_id or 'missing'}",
            payload=sent.payload(),
            replay=sent.curl(),
            fix=f"answer one of {api.accepted} with the task's id in `{api.id_field}`",
        )
        if not taken:
            return
        await self._located(route, sent, task_id)
        if api.status is None:
            return
        watched = await self.door.follow(task_id, timeout_s=self.timeout_s)
        self._transitions(sent, watched)
        if watched.ended:
            self._result(api.status, watched.last)
            await self._still(task_id, watched.last)
            if api.cancel is not None:
                await self._cancel_late(api.cancel, task_id, watched.last)
        if api.cancel is not None:
            await self._cancel_early(route, api.cancel)

    async def _located(self, route: str, sent: Exchange, task_id: str) -> None:
        name = self.door.api.location_header
        if name is None or sent.code != 202:
            self.promises.not_applicable("where a task can be asked about: no Location is promised")
            return
        place = sent.answer_headers.get(name.lower(), "")
        found = await self.caller.send("GET", place) if place else sent
        self.promises.judge(
            bool(place) and found.code == 200 and self.door.task_id(found) == task_id,
            "tasks.location",
            route,
            "a 202 says in Location where the task can be asked about, and it can be asked there",
            detail=f"{name}: {place or 'missing'}" + (f", {found.outcome} there" if place else ""),
            payload=found.payload(),
            replay=found.curl(),
            fix=f"send `{name}: <path of the task>` with the 202",
        )

    def _transitions(self, sent: Exchange, watched: Watched) -> None:
        api = self.door.api
        states = tuple(state for state in (self.door.state(sent),) if state) + watched.states
        path = tuple(state for n, state in enumerate(states) if n == 0 or states[n - 1] != state)
        problem = _illegal(path, api.pending, self.door.over)
        if not problem and not watched.ended:
            problem = (
                f"not over after {self.timeout_s:g} s"
                if watched.last.code == 200
                else f"asking about it gave {watched.last.outcome}"
            )
        self.promises.judge(
            not problem,
            "tasks.transitions",
            api.status or "",
            "a task goes through declared states only, forwards, to an end",
            detail=" -> ".join(path) + (f": {problem}" if problem else ""),
            payload=watched.last.payload(),
            replay=watched.last.curl(),
            fix="let no state follow one that comes after it, and end every task in a terminal state",
            cases=max(len(path), 1),
        )

    def _result(self, subject: str, last: Exchange) -> None:
        api = self.door.api
        output = pick(last.document, api.output_field)
        error = pick(last.document, api.error_field)
        good = self.door.state(last) in api.succeeded
        holds = (output is not None and not error) if good else bool(error)
        self.promises.judge(
            holds,
            "tasks.result",
            subject,
            "a task that succeeded has an output and no error; one that failed says why",
            detail=f"{self.door.state(last)}: `{api.output_field}` "
            f"{'present' if output is not None else 'absent'}, `{api.error_field}` "
            f"{'present' if error else 'absent'}",
            payload=last.payload(),
            replay=last.curl(),
            fix=f"fill `{api.output_field}` or `{api.error_field}` by the state of the task",
        )

    async def _still(self, task_id: str, first: Exchange) -> None:
        changed: Exchange | None = None
        for _ in range(STILL_POLLS):
            await asyncio.sleep(STILL_PAUSE_S)
            again = await self.door.status(task_id)
            if self._face(again) != self._face(first):
                changed = again
                break
        self._stable("asked again", task_id, first, changed)

    async def _cancel_late(self, route: str, task_id: str, first: Exchange) -> None:
        answer = await self.door.cancel(task_id)
        again = await self.door.status(task_id)
        self._stable("cancelled afterwards", task_id, first, again if self._face(again) != self._face(first) else None)
        self.promises.judge(
            answer.code is not None and answer.code < 500,
            "tasks.cancel.late",
            route,
            "cancelling a task that is over is answered, not an error of the server",
            detail=answer.outcome,
            payload=answer.payload(),
            replay=answer.curl(),
            fix="answer 200 or 409 and leave the task as it is",
        )

    def _stable(self, how: str, task_id: str, first: Exchange, changed: Exchange | None) -> None:
        title = "a task that is over never changes"
        subject = f"{self.door.api.status} ({how})"
        if changed is None:
            self.promises.kept("tasks.terminal", subject, title, detail=self.door.state(first), cases=STILL_POLLS)
            return
        payload: dict[str, JsonValue] = {"before": first.payload(), "after": changed.payload()}
        self.promises.broken(
            "tasks.terminal",
            subject,
            title,
            detail=f"{self.door.state(first)} became {self.door.state(changed) or changed.outcome}",
            payload=payload,
            replay=changed.curl(),
            fix="make terminal states final where the state is stored (compare-and-set), not in each caller",
        )

    async def _cancel_early(self, submit: str, route: str) -> None:
        sent = await self.door.send(submit, self.door.body(PROMPT), key=f"cancel-{self.unique}")
        task_id = self.door.task_id(sent)
        if not (self.door.accepted(sent) and task_id):
            self.promises.undecided(
                "tasks.cancel",
                route,
                "a cancelled task comes to an end",
                detail=f"no task to cancel: {sent.outcome}",
                payload=sent.payload(),
            )
            return
        answer = await self.door.cancel(task_id)
        claimed = self.door.state(answer)
        watched = await self.door.follow(task_id, timeout_s=self.timeout_s)
        end = watched.states[-1] if watched.states else watched.last.outcome
        broken_word = claimed in self.door.over and end != claimed
        self.promises.judge(
            answer.code is not None and answer.code < 500 and watched.ended and not broken_word,
            "tasks.cancel",
            route,
            "a cancelled task comes to an end, and to the one that was announced",
            detail=f"cancel answered {answer.outcome} {claimed}".rstrip() + f"; the task ended as {end}",
            payload={"cancel": answer.payload(), "status": watched.last.payload()},
            replay=answer.curl(),
            fix="decide the race between end and cancel once, in the store, and answer what was decided",
        )

    async def _unknown(self, route: str, kind: str, answer: Exchange) -> None:
        self.promises.judge(
            answer.code == 404,
            f"tasks.unknown.{kind}",
            route,
            "an id that never was is answered by 404",
            detail=answer.outcome,
            payload=answer.payload(),
            replay=answer.curl(),
            fix="answer 404 for ids that are not in the store",
        )

    async def _run(self, route: str) -> None:
        answer = await self.door.send(route, self.door.body(PROMPT), key=f"run-{self.unique}")
        state = self.door.state(answer)
        self.promises.judge(
            answer.code == 200 and (state in self.door.over or not state),
            "tasks.run",
            route,
            "the synchronous door answers when the task is over",
            detail=f"{answer.outcome}, state {state or 'not told'}",
            payload=answer.payload(),
            replay=answer.curl(),
            fix=f"answer 200 once the task is over, with a terminal state in `{self.door.api.status_field}`",
        )

    def _face(self, exchange: Exchange) -> tuple[JsonValue, ...]:
        """What must not change once a task is over."""
        api = self.door.api
        document = exchange.document
        return (
            exchange.code,
            self.door.state(exchange),
            pick(document, api.output_field),
            pick(document, api.error_field),
        )


def _illegal(path: tuple[str, ...], pending: tuple[str, ...], over: tuple[str, ...]) -> str:
    """What is wrong with a sequence of states, or an empty string.

    The states in `pending` are in their order: a task may skip one, and never goes back.
    """
    rank = {state: n for n, state in enumerate(pending)} | dict.fromkeys(over, len(pending))
    for state in path:
        if state not in rank:
            return f"`{state}` is no declared state"
    for before, after in pairwise(path):
        if before in over:
            return f"`{before}` is an end and `{after}` followed it"
        if rank[after] < rank[before]:
            return f"`{after}` came after `{before}`"
    return ""
