"""windtunnel.toml as types. `harness.core.config_file` parses the text into them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Role = Literal["agent", "orchestrator", "registry", "tool", "llm", "store", "broker", "auth", "other"]


class Section(BaseModel):
    """A table of windtunnel.toml: frozen, and an unknown key is an error.

    TOML has no null: an empty string for a path or a route says that the service has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _none_of_it(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        optional = {name for name, field in cls.model_fields.items() if type(None) in get_args(field.annotation)}
        return {key: None if value == "" and key in optional else value for key, value in data.items()}


class TasksApi(Section):
    """How a service takes work. The defaults are those of the reference stack; every one can be changed.

    Routes are `METHOD /path`; `{id}` in a path is the task's id. `body` is what a task is sent as, with
    `{prompt}` and `{session}` filled in. Fields are dotted paths into the JSON answer.
    """

    run: str | None = "POST /run"
    submit: str | None = "POST /tasks"
    status: str | None = "GET /tasks/{id}"
    cancel: str | None = "POST /tasks/{id}/cancel"
    events: str | None = None  # a task's events as text/event-stream
    answer: str | None = None  # how a person answers what a task asks, e.g. "POST /tasks/{id}/input"
    answer_body: dict[str, Any] = {"node": "{question}", "text": "{text}"}
    questions_field: str = "questions"  # what a task asks at present: a list of objects
    question_id_field: str = "node"
    waiting: tuple[str, ...] = ("input_required",)  # what `status_field` says while it asks
    body: dict[str, Any] = {"prompt": "{prompt}", "session_id": "{session}"}
    id_field: str = "task_id"
    status_field: str = "status"
    output_field: str = "output"
    error_field: str = "error"
    pending: tuple[str, ...] = ("pending", "running")
    succeeded: tuple[str, ...] = ("completed",)
    failed: tuple[str, ...] = ("failed", "cancelled")
    idempotency_header: str | None = "Idempotency-Key"
    key_reused: tuple[int, ...] = (422,)  # the answer to another body under a key that was used
    location_header: str | None = "Location"  # where a 202 says the task can be asked about
    accepted: tuple[int, ...] = (200, 201, 202)


class GrpcApi(Section):
    """How a service is called over gRPC. `guarded` is a method, `package.Service/Method`, that answers nobody without
    a token; it is called with an empty message."""

    port: int = 9090  # of its Service; external targets: `address`
    address: str | None = None  # host:port
    guarded: str | None = None


class QueueApi(Section):
    """How a service takes work from a Kafka topic, and where it says how that ended.

    `event` is what a task is sent as; in it and in `key`, `{id}`, `{session}`, `{prompt}` and `{now}` (RFC 3339) are
    filled in. Fields are dotted paths into the result event.
    """

    broker: str  # a service of the target, or host:port
    topic: str
    results: str | None = None
    dead_letters: str | None = None
    event: dict[str, Any] = {"task_id": "{id}", "session_id": "{session}", "prompt": "{prompt}"}
    key: str = "{session}"
    format: Literal["json", "avro"] = "json"
    schema_registry: str | None = None  # a service of the target, or a URL; values are framed as Confluent's is
    subject: str | None = None  # of task events, at the registry
    event_schema: str | None = None  # file of the subject's schema; without it, the newest that is registered
    id_field: str = "task_id"
    status_field: str = "status"
    output_field: str = "output"
    error_field: str = "error"
    succeeded: tuple[str, ...] = ("completed",)

    @model_validator(mode="after")
    def _whole(self) -> QueueApi:
        if self.format == "avro" and not self.schema_registry:
            raise ValueError('format = "avro" needs a schema_registry')
        if self.schema_registry and not self.subject:
            raise ValueError("schema_registry needs the subject of task events")
        return self


class Service(Section):
    """One service of the target. What is None does not exist there and is not checked."""

    role: Role = "agent"
    url: str | None = None  # external targets; elsewhere the cluster knows it
    openapi: str | None = None  # path of the description, or a file beside windtunnel.toml
    openapi_baseline: str | None = None
    health: str | None = "/health"
    ready: str | None = "/ready"
    health_reports: tuple[str, ...] = ()  # dotted paths that health's JSON must have, e.g. the state of the LLM client
    metrics: str | None = None
    metrics_required: tuple[str, ...] = ()  # names of families that it must expose
    tasks: TasksApi | None = None
    queue: QueueApi | None = None
    grpc: GrpcApi | None = None
    ledger: str | None = None  # tools: where the effects are listed
    tools: str | None = None  # registry: where the tool definitions are listed
    tool_call: str | None = None  # registry: how a tool is called, e.g. "POST /tools/{name}/call"
    tool_call_body: dict[str, Any] = {"arguments": "{arguments}"}
    tool_call_headers: dict[str, str] = {}  # who calls, as the ACL knows it
    tools_baseline: str | None = None
    spans: str | None = None  # where a trace is answered in OTLP's JSON, e.g. "/api/v3/traces/{id}"
    admin: str | None = None  # llm: where mock_llm's admin API lives
    audience: str | None = None  # what a token for this service says it is for
    guarded: str | None = None  # a route that answers nobody without a token, e.g. "GET /tools"
    depends_on: tuple[str, ...] = ()


class Image(Section):
    """How the local cluster runs an image without a container: exactly one of the three."""

    command: tuple[str, ...] | None = None
    python: str | None = None  # "package.module:function", an entry point that reads sys.argv
    builtin: Literal["redis", "kafka"] | None = None

    @model_validator(mode="after")
    def _one(self) -> Image:
        if sum(value is not None for value in (self.command, self.python, self.builtin)) != 1:
            raise ValueError("give exactly one of command, python, builtin")
        return self


class Local(Section):
    """The local cluster: which manifests, and how their images run as processes."""

    manifests: tuple[str, ...] = ()
    images: dict[str, Image] = {}
    ready_timeout_s: float = Field(60.0, gt=0)
    env: dict[str, dict[str, str]] = {}  # workload -> extra environment; "*" for all
    ports: dict[str, int] = {}  # service -> fixed port for callers from outside; else a free one


class Kubernetes(Section):
    """A real cluster. The context must be allowed by name: nothing is touched by default."""

    context: str | None = None
    allowed_contexts: tuple[str, ...] = ()
    namespace_label: str = "windtunnel.dev/chaos=allowed"
    in_cluster: bool = False  # the harness runs in a pod of that cluster: services are called by their names


class Metrics(Section):
    """What is read of the services' own metrics (`metrics` of each) for as long as a run lasts."""

    every_s: float = Field(2.0, ge=0)  # 0: nothing is read
    names: tuple[str, ...] = ()  # patterns of samples' names; empty: all but a language runtime's own
    tokens_recorded: str | None = None  # the counter of the tokens that models were asked and answered with
    tokens_served: str = "mock_llm_tokens_total"  # the same as the mock LLM counts it
    tokens_lost: tuple[str, ...] = ("mock_llm_aborted_total", "mock_llm_faults_total")  # of answers that never came


class Alerts(Section):
    """The target's own alert rules, evaluated over the metrics of each run."""

    rules: str | None = None  # a rules file of Prometheus', or a PrometheusRule
    time_scale: float = Field(1.0, gt=0, le=1000)  # seconds of the rules' windows that a second of a run counts as


class Auth(Section):
    """How the harness proves who it is. Secrets come from the environment or a file, never from here."""

    kind: Literal["none", "bearer", "client_credentials"] = "none"
    token_env: str | None = None
    token_file: str | None = None
    token_url: str | None = None  # client_credentials: `service:/path` or a URL
    client_id: str | None = None
    client_secret_env: str | None = None
    client_secret_file: str | None = None
    audience: tuple[str, ...] = ()  # client_credentials: what the token is for, sent once for each
    expiry_param: str | None = None  # client_credentials: the form field that asks for a shorter life, in seconds
    leeway_s: float = Field(5.0, ge=0, le=120)  # how long after its end a token may still be taken
    stranger_id: str | None = None  # client_credentials: a client that is on no service's list
    stranger_secret_env: str | None = None
    stranger_secret_file: str | None = None

    @field_validator("audience", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return ((value,) if value else ()) if isinstance(value, str) else value


class Target(Section):
    """The system under test."""

    name: str
    kind: Literal["local", "kubernetes", "external"] = "local"
    namespace: str = "default"
    services: dict[str, Service] = {}
    local: Local = Local()
    kubernetes: Kubernetes = Kubernetes()
    auth: Auth = Auth()
    metrics: Metrics = Metrics()
    alerts: Alerts = Alerts()

    @model_validator(mode="after")
    def _reachable(self) -> Target:
        if self.kind == "local" and not self.local.manifests:
            raise ValueError("a local target needs [target.local] manifests = [...]")
        if self.kind == "external":
            missing = [name for name, service in self.services.items() if service.url is None]
            if missing:
                raise ValueError(f"an external target needs a url for each service; none for {', '.join(missing)}")
        return self


class ContractsSuite(Section):
    """Which services are checked, and how hard."""

    path: str = "contracts"
    services: tuple[str, ...] = ()  # empty: every service that declares an OpenAPI or tools
    max_examples: int = Field(25, ge=1)
    required: bool = True


class ScenariosSuite(Section):
    """Where scenario files lie and which are run."""

    path: str = "scenarios"
    service: str | None = None  # who is asked by a scenario that names nobody
    tags: tuple[str, ...] = ()
    repeat: int = Field(1, ge=1)
    logs: bool = True
    logs_fields: tuple[str, ...] = ()  # of a task's line, in the log of every service that takes tasks
    required: bool = True


class LoadSuite(Section):
    """Which profile a plain `verify` runs."""

    path: str = "load"
    profile: str = "10x-peak"
    required: bool = True


class ChaosSuite(Section):
    """Which experiments a plain `verify` runs, and how far a fault may reach."""

    path: str = "chaos"
    experiments: tuple[str, ...] = ()  # empty: every file
    max_victims: int = Field(1, ge=1)
    required: bool = True


class Suites(Section):
    contracts: ContractsSuite = ContractsSuite()
    scenarios: ScenariosSuite = ScenariosSuite()
    load: LoadSuite = LoadSuite()
    chaos: ChaosSuite = ChaosSuite()


READINESS_ITEM = r"^(SVC|REL|OBS|DEP|COST)-\d+$"
"""An item of the readiness checklist, as suite files name those that they are evidence for."""


class Waiver(Section):
    """An item of the readiness checklist that somebody decided to go without, until a day."""

    item: str
    reason: str = Field(min_length=10)
    until: date


class Readiness(Section):
    """What the production-readiness checklist looks at beside the evidence of runs."""

    manifests: tuple[str, ...] = ()  # what is deployed to production; without it, those of [target.local]
    require: tuple[str, ...] = ("*",)  # items that must hold for exit code 0, e.g. "REL-*"
    waivers: tuple[Waiver, ...] = ()


class Config(Section):
    """The whole of windtunnel.toml. Relative paths in it are relative to `root`, the folder it lies in."""

    target: Target
    suites: Suites = Suites()
    readiness: Readiness = Readiness()
    reports: str = "reports"
    seed: int = 1
    root: Annotated[Path, Field(exclude=True)] = Path(".")

    def shown(self, path: Path) -> str:
        """A path as it stands below `root`; one that lies elsewhere in full."""
        return str(path.relative_to(self.root.resolve()) if path.is_relative_to(self.root.resolve()) else path)

    def path(self, relative: str) -> Path:
        """A path from windtunnel.toml, made absolute."""
        return (self.root / relative).resolve()
