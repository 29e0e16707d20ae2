"""The same conversation once for every place at which its answer can break off."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mock_llm.faults.fault import Fault, Hit, Step, Steps
from mock_llm.faults.plan import Entry, FaultPlan, plan_from_data

if TYPE_CHECKING:
    from mock_llm.handle import Handle

Outcome = Literal["survived", "raised", "wrong"]


@dataclass(frozen=True, slots=True)
class Point:
    """One cut: of which request of the conversation (from 1), after how many frames or bytes."""

    request: int
    by: Literal["frame", "byte"]
    at: int
    outcome: Outcome
    detail: str = ""  # the exception, or what came instead of the right result


@dataclass(frozen=True, slots=True)
class Sweep:
    """survived: the client gave the uncut run's result. raised: it said so. wrong: it gave something else as good."""

    points: tuple[Point, ...]

    def of(self, outcome: Outcome) -> tuple[Point, ...]:
        """The points that ended so."""
        return tuple(point for point in self.points if point.outcome == outcome)

    def assert_none_wrong(self) -> None:
        """Raises AssertionError that lists each cut after which the client passed a wrong result off as good."""
        wrong = self.of("wrong")
        if wrong:
            lines = "\n".join(f"  request {p.request}, {p.by} {p.at}: {p.detail}" for p in wrong)
            raise AssertionError(f"{len(wrong)} of {len(self.points)} cuts gave a wrong result in silence:\n{lines}")

    def assert_all_survived(self) -> None:
        """Raises AssertionError unless every cut was healed, by a retry or otherwise."""
        lost = [point for point in self.points if point.outcome != "survived"]
        if lost:
            lines = "\n".join(f"  request {p.request}, {p.by} {p.at}: {p.outcome}: {p.detail}" for p in lost)
            raise AssertionError(f"{len(lost)} of {len(self.points)} cuts were not survived:\n{lines}")

    def __str__(self) -> str:
        counts = ", ".join(f"{len(self.of(o))} {o}" for o in ("survived", "raised", "wrong"))
        return f"{len(self.points)} cuts: {counts}"


@dataclass(frozen=True, slots=True)
class _Ruler(Fault):
    """Changes nothing; measures the answers of the uncut run."""

    sizes: list[tuple[int, int]]  # of each request: frames, bytes

    def steps(self, steps: Steps, hit: Hit) -> Steps:
        sent = [step for step in steps if isinstance(step, Step)]
        self.sizes.append((len(sent), sum(len(step.frame.data) for step in sent)))
        return steps


def sweep(
    handle: Handle,
    client: Callable[[], Any],
    *,
    by: Sequence[Literal["frame", "byte"]] = ("frame",),
    how: Literal["fin", "rst"] = "fin",
    every: int = 1,
) -> Sweep:
    """Run `client` once whole, then once for each cut of each of its requests, and compare the results by `==`.

    client: builds its own conversation with `handle` and returns what it made of it. `every`: each n-th place
    only. The session's rules stay and start anew for each run; its fault plan is put back at the end, its calls
    are forgotten. A cut strikes once, so that a retry is answered.
    Raises ValueError when the client asked nothing, and whatever `client` raises in the whole run.
    """
    if inspect.iscoroutinefunction(client):
        raise TypeError("the client is a coroutine function: await sweep_async(...)")
    with _Runs(handle, how, every, by) as runs:
        runs.expect(client())
        for plan in runs.plans():
            try:
                runs.note(plan, client())
            except Exception as error:  # whatever the client raises is its answer to the cut
                runs.note_raised(plan, error)
        return Sweep(tuple(runs.points))


async def sweep_async(
    handle: Handle,
    client: Callable[[], Awaitable[Any]],
    *,
    by: Sequence[Literal["frame", "byte"]] = ("frame",),
    how: Literal["fin", "rst"] = "fin",
    every: int = 1,
) -> Sweep:
    """`sweep` for a client that is awaited."""
    with _Runs(handle, how, every, by) as runs:
        runs.expect(await client())
        for plan in runs.plans():
            try:
                runs.note(plan, await client())
            except Exception as error:  # as above
                runs.note_raised(plan, error)
        return Sweep(tuple(runs.points))


_Place = tuple[int, Literal["frame", "byte"], int]


class _Runs:
    """The bookkeeping of a sweep."""

    def __init__(self, handle: Handle, how: str, every: int, by: Sequence[Literal["frame", "byte"]]) -> None:
        if every < 1:
            raise ValueError("every must be at least 1")
        self._handle, self._how, self._every, self._by = handle, how, every, by
        self._sizes: list[tuple[int, int]] = []
        self._right: Any = None
        self._before: FaultPlan | None = None
        self.points: list[Point] = []

    def __enter__(self) -> _Runs:
        self._before = self._handle.server.sessions.get(self._handle.name).faults
        self._begin(FaultPlan([Entry(_Ruler(self._sizes))]))
        return self

    def __exit__(self, *_: object) -> None:
        self._begin(self._before)

    def _begin(self, plan: FaultPlan | None) -> None:
        self._handle.restart(plan)

    def expect(self, right: Any) -> None:
        if not self._sizes:
            raise ValueError("the client asked the mock nothing: there is nothing to cut")
        self._right = right

    def plans(self) -> Iterator[_Place]:
        """Set each cut in turn."""
        for request, (frames, size) in enumerate(list(self._sizes), 1):
            for by in self._by:
                for at in range(0, frames if by == "frame" else size, self._every):
                    cut = {"kind": "cut", by: at, "how": self._how, "ordinals": [request]}
                    self._begin(plan_from_data([cut], self._handle.now()))
                    yield request, by, at

    def note(self, place: _Place, got: Any) -> None:
        same = got == self._right
        self.points.append(Point(*place, "survived" if same else "wrong", "" if same else repr(got)[:200]))

    def note_raised(self, place: _Place, error: Exception) -> None:
        self.points.append(Point(*place, "raised", f"{type(error).__name__}: {error}"[:200]))
