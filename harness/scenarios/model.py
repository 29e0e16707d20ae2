"""A scenario: what is given, what is done, what must come of it. The YAML files are these models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, StringConstraints, model_validator

from harness.core.config import READINESS_ITEM
from harness.core.errors import ConfigError
from harness.faults.fault import read
from harness.scenarios.then import Judged
from harness.scenarios.then.backoff import Backoff
from harness.scenarios.then.effects import Effects
from harness.scenarios.then.leaks import NoLeak
from harness.scenarios.then.limits import Duration, ModelCalls, Steps, Tokens
from harness.scenarios.then.metrics import Metrics
from harness.scenarios.then.models import Fallback, Retries
from harness.scenarios.then.output import Output
from harness.scenarios.then.page import Page
from harness.scenarios.then.recovery import Recovery
from harness.scenarios.then.spans import Spans
from harness.scenarios.then.stable import Stable
from harness.scenarios.then.status import Status
from harness.scenarios.then.traced import Traced
from harness.scenarios.then.trajectory import Trajectory

ItemId = Annotated[str, StringConstraints(pattern=READINESS_ITEM)]


class Part(BaseModel):
    """A piece of a scenario file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Llm(Part):
    """What the mock LLM answers in this scenario's session, in its own words (see mock_llm/README.md).

    Both are handed on as they are: the mock LLM checks them, and what it refuses names this file.
    """

    script: JsonValue = Field(None, description="the script of the session")
    faults: JsonValue = Field(None, description="the fault plan of the session")
    strict: bool = Field(True, description="a request that the script does not expect is an error")


class EdgeFault(Part):
    """Something wrong on the way from one service to another, on a real connection."""

    from_: str = Field(alias="from", description="the service that calls")
    to: str = Field(description="the service that is called")
    status: int | None = Field(None, ge=400, le=599, description="answer with this status instead")
    refuse: bool = Field(False, description="refuse connections")
    lose_answers: bool = Field(False, description="requests arrive, their answers are lost with the connection")
    delay_s: float | None = Field(None, gt=0, description="delay every byte's way by so much")
    body: str | None = Field(None, min_length=1, description="the service's own answer, with this body in its place")
    first: int | None = Field(
        None, ge=1, description="with status: only the first so many requests, by each calling pod"
    )

    @model_validator(mode="after")
    def _one(self) -> EdgeFault:
        given = (self.status is not None, self.refuse, self.lose_answers, self.delay_s is not None)
        if sum((*given, self.body is not None)) != 1:
            raise ValueError("give exactly one of status, refuse, lose_answers, delay_s, body")
        if self.first is not None and self.status is None:
            raise ValueError("`first` goes with `status`")
        return self


class Given(Part):
    """The world before the first call."""

    llm: Llm = Llm()
    edges: tuple[EdgeFault, ...] = ()


class Ask(Part):
    """One task handed in by one user."""

    prompt: str = Field(min_length=1)
    repeated: int = Field(1, ge=1, le=100_000, description="send the prompt so many times over, as one text")
    name: str = Field("", description="what assertions call it")
    as_: str = Field("user", alias="as", description="the user; each has sessions of their own")
    session: str = Field("main", description="the conversation; the same word is the same conversation")
    key: str = Field("", description="the idempotency key; the same word is the same key; else one of its own")
    body: dict[str, JsonValue] = Field({}, description="more fields of the request, e.g. max_steps")
    timeout_s: float = Field(30, gt=0)
    cancel_after_s: float | None = Field(None, ge=0, description="cancel the task so long after it was taken")
    answers: dict[str, str] = Field({}, description="what a person answers to what the task asks, by the question's id")


class TaskEvent(Part):
    """One task handed in by way of the service's queue, and followed to its result event."""

    prompt: str = Field(min_length=1)
    name: str = Field("", description="what assertions call it")
    as_: str = Field("user", alias="as", description="the user; each has sessions of their own")
    session: str = Field("main", description="the conversation; the same word is the same key of the topic")
    copies: int = Field(1, ge=1, le=100, description="the broker delivers the same event so many times")
    timeout_s: float = Field(40, gt=0)


class Once(Part):
    """A moment in a scenario, seen from outside: exactly one of these."""

    effect_of: str | None = Field(None, description="the ledger shows an effect of this tool")
    llm_asked: int | None = Field(None, ge=1, description="so many requests have reached the mock LLM, open ones too")
    within_s: float = Field(15, gt=0, description="how long to wait for it; if it does not come, nothing was shown")

    @model_validator(mode="after")
    def _one(self) -> Once:
        if (self.effect_of is None) == (self.llm_asked is None):
            raise ValueError("give exactly one of effect_of, llm_asked")
        return self


class Disturb(Part):
    """A fault that strikes at a moment of the scenario; beside a task, `together` with it."""

    kind: str = Field(description="a fault by its name, e.g. pod_kill, process_pause; see docs/chaos.md")
    params: dict[str, JsonValue] = Field({}, description="its parameters, e.g. workload and count")
    once: Once | None = Field(None, description="strike at this moment; at once without it")
    for_s: float | None = Field(None, gt=0, description="take it back after so long; at the end without it")

    @model_validator(mode="after")
    def _known(self) -> Disturb:
        try:
            read(self.kind, self.params)
        except ConfigError as error:
            raise ValueError(f"{error.message}; {error.hint}") from None
        return self


class Step(Part):
    """One thing that is done: exactly one of these. Steps follow one another, those `together` overlap."""

    run: Ask | None = Field(None, description="by the synchronous door")
    task: Ask | None = Field(None, description="by the asynchronous door, and followed to its end")
    event: TaskEvent | None = Field(None, description="by the service's queue, and followed to its result event")
    fault: Disturb | None = None
    pause_s: float | None = Field(None, gt=0)
    together: tuple[Step, ...] = ()
    times: int = Field(1, ge=1, le=10_000, description="do it so many times, one after the other")

    @model_validator(mode="after")
    def _one(self) -> Step:
        given = (self.run, self.task, self.event, self.fault, self.pause_s, self.together or None)
        if sum(part is not None for part in given) != 1:
            raise ValueError("give exactly one of run, task, event, fault, pause_s, together")
        return self

    @property
    def disturbs(self) -> bool:
        """Whether a fault is among what is done."""
        return self.fault is not None or any(step.disturbs for step in self.together)

    @property
    def queued(self) -> bool:
        """Whether a task goes by way of a queue."""
        return self.event is not None or any(step.queued for step in self.together)


class Assertion(Part):
    """One thing that must hold: exactly one of these."""

    status: Status | None = None
    output: Output | None = None
    trajectory: Trajectory | None = None
    recovery: Recovery | None = None
    fallback: Fallback | None = None
    retries: Retries | None = None
    backoff: Backoff | None = None
    steps: Steps | None = None
    tokens: Tokens | None = None
    llm_calls: ModelCalls | None = None
    duration: Duration | None = None
    effects: Effects | None = None
    no_leak: NoLeak | None = None
    stable: Stable | None = None
    traced: Traced | None = None
    spans: Spans | None = None
    metrics: Metrics | None = None
    page: Page | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        """`- fallback` alone means `- fallback: {}`."""
        if isinstance(value, str):
            return {value: {}}
        if isinstance(value, dict):
            return {key: {} if item is None else item for key, item in value.items()}
        return value

    @model_validator(mode="after")
    def _one(self) -> Assertion:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one assertion, not {len(given)}")
        return self

    @property
    def kind(self) -> str:
        """Which assertion it is, e.g. `recovery`."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def judged(self) -> Judged:
        """The assertion itself."""
        judged: Judged = getattr(self, self.kind)
        return judged


class Repeat(Part):
    """How often a scenario runs, and how many of the runs must hold."""

    times: int = Field(1, ge=1, le=1000)
    at_least: float = Field(1.0, gt=0, le=1, description="the rate of runs in which an assertion must hold")
    valid: float = Field(0.8, gt=0, le=1, description="the rate of runs that must not be spoilt by the harness")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"times": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Scenario(Part):
    """One scenario file."""

    name: str = Field("", description="without it: the name of the file")
    title: str = Field(min_length=1, description="the rule in one line, as a report shows it")
    why: str = Field("", description="why it matters, for a reader of a failure")
    fix: str = Field("", description="what to do when it fails")
    tags: tuple[str, ...] = ()
    proves: tuple[ItemId, ...] = Field((), description="the items of the readiness checklist it is evidence for")
    service: str | None = Field(None, description="who is asked; without it the one service that takes tasks")
    given: Given = Given()
    when: tuple[Step, ...] = Field(min_length=1)
    then: tuple[Assertion, ...] = Field(min_length=1)
    repeat: Repeat = Repeat()
    _file: Path = PrivateAttr(Path())
    reach: Literal["any", "local"] = Field("any", description="local: only where the harness runs the cluster")

    @property
    def file(self) -> Path:
        """The file it was read from."""
        return self._file

    def read_from(self, file: Path) -> Scenario:
        """The same, remembering its file."""
        self._file = file
        return self

    @property
    def alone(self) -> bool:
        """True when no other may run meanwhile: a faulty edge, a breaker that opened, a counter is there for all."""
        return self.disturbs or self.given.llm.faults is not None or bool(self.measures)

    @property
    def measures(self) -> frozenset[str]:
        """The metrics that assertions are about."""
        return frozenset(assertion.metrics.name for assertion in self.then if assertion.metrics is not None)

    @property
    def disturbs(self) -> bool:
        """True when something is broken that only the harness' own cluster lets it break."""
        return bool(self.given.edges) or any(step.disturbs for step in self.when)
