"""What a fault is: planned, put on record, injected, witnessed, undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

import httpx
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from harness.core.clock import Clock
from harness.core.errors import ConfigError, InfraError
from harness.core.registry import Registry
from harness.faults.undo_steps import Step
from harness.targets.target import Target

TOLERANCE = 0.2  # a measured strength may be off by this much of the planned one


class Params(BaseModel):
    """Parameters of one kind of fault; an unknown one is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Site:
    """Where faults are injected, and the time and chance that they use.

    `pause` waits so many seconds; a true answer says that the experiment is to end: nobody waits on.
    """

    target: Target
    http: httpx.Client
    clock: Clock
    pause: Callable[[float], object]
    rng: Random
    state_file: str = ""  # the local cluster's, so that an undo knows a cluster that is gone

    def wait_for(self, seen: Callable[[], Any], timeout_s: float, every_s: float = 0.1) -> Any:
        """The first true answer of `seen`, or its last one after `timeout_s` seconds or an early end."""
        deadline = self.clock.monotonic() + timeout_s
        while not (answer := seen()) and self.clock.monotonic() < deadline:
            if self.pause(every_s):
                break
        return answer


@dataclass(frozen=True)
class Injection:
    """One planned fault: whom it hits and how it is taken back. `facts` is what the plan looked up before."""

    kind: str
    subject: str
    params: Params
    victims: tuple[str, ...]
    undo: tuple[Step, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Witnessed:
    """What an independent measurement saw. `seen` False: nobody may claim that the fault was there."""

    witness: str
    seen: bool
    measured: Mapping[str, JsonValue]
    detail: str = ""


class FaultKind(Protocol):
    """One variant of a fault; one file, registered under its name.

    `plan` touches nothing and raises ConfigError for a subject that does not exist. `inject` raises
    InfraError where the fault could not be put in; `definite` on it tells whether it certainly is not there.
    `witness` measures by another way than the one that injected. Undo is data (`Injection.undo`), so that a
    process with nothing of ours loaded can do it. A fault that heals by itself, like a killed pod, has none.
    """

    @property
    def params(self) -> type[Params]: ...

    def plan(self, params: Any, site: Site) -> Injection: ...

    def inject(self, injection: Injection, site: Site) -> None: ...

    def witness(self, injection: Injection, site: Site) -> Witnessed: ...


FAULTS: Registry[Callable[[], FaultKind]] = Registry("fault")


def plan(kind: str, params: Mapping[str, Any], site: Site) -> Injection:
    """Plan a fault by name. Raises ConfigError for an unknown kind or wrong parameters."""
    variant, parsed = read(kind, params)
    return variant.plan(parsed, site)


def read(kind: str, params: Mapping[str, Any]) -> tuple[FaultKind, Params]:
    """A kind of fault by name, and its parameters. Raises ConfigError for an unknown kind or wrong parameters."""
    FAULTS.discover("harness.faults.kinds")
    variant = FAULTS.get(kind)()
    try:
        return variant, variant.params.model_validate(dict(params))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "parameters"
        known = ", ".join(variant.params.model_fields)
        raise ConfigError(f"fault {kind}: {where}: {first['msg']}", hint=f"it takes: {known}") from None


def strength(witness: str, *, planned: float, measured: float, unit: str, **more: JsonValue) -> Witnessed:
    """Compare a measured strength with the planned one: seen only within `TOLERANCE` of it."""
    off = abs(measured - planned) / planned if planned else 0.0
    values: dict[str, JsonValue] = {f"planned_{unit}": planned, f"measured_{unit}": round(measured, 4), **more}
    detail = f"planned {planned:g} {unit}, measured {measured:.3g} {unit} ({off:.0%} off)"
    return Witnessed(witness, off <= TOLERANCE, {**values, "off": round(off, 4)}, detail)


def request(site: Site, method: str, url: str, body: Any = None, *, what: str, **headers: str) -> Any:
    """One JSON request of an injection; returns the parsed answer.

    Raises InfraError; it is not `definite` where the request may have taken effect nevertheless.
    """
    try:
        response = site.http.request(method, url, json=body, headers=headers or None)
    except httpx.ConnectError as error:
        raise InfraError(f"{what}: {url} does not answer: {error}", hint="windtunnel status") from None
    except httpx.HTTPError as error:
        raise InfraError(f"{what}: {method} {url}: {type(error).__name__}", definite=False) from None
    if response.status_code >= 400:
        definite = response.status_code < 500
        text = f"{what}: {method} {url} answered {response.status_code}: {response.text[:300]}"
        raise InfraError(text, definite=definite)
    try:
        return response.json() if response.content else None
    except ValueError:
        return None
