"""An experiment: a Chaos Toolkit file with an extension called `windtunnel` that says what else happens.

extensions:
  - name: windtunnel
    load: {service: agent-search, rate: 2, prompts: ["..."]}
    settle_s: 20
    checkers: [no_lost_task, effects_at_most_once]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from harness.core.config import READINESS_ITEM
from harness.core.errors import ConfigError

ACTIONS = "harness.chaos.actions"


class Part(BaseModel):
    """A part of the extension; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Load(Part):
    """Tasks submitted all through the experiment, open loop: `rate` a second, at seeded random times.

    A client repeats a submission that got no clear answer under the same key, `attempts` times in all, and
    then follows its task for `deadline_s` seconds.
    """

    service: str
    rate: float = Field(2.0, gt=0, le=200)
    prompts: tuple[str, ...] = Field(min_length=1)
    attempts: int = Field(3, ge=1)
    deadline_s: float = Field(30.0, gt=0)


class Llm(Part):
    """The experiment's own session on the mock LLM: what it answers, and how."""

    script: dict[str, Any] | None = None
    faults: tuple[dict[str, Any], ...] = ()


class Extension(Part):
    """What the file says to us. `checkers` must each reach a verdict, or the experiment is inconclusive; `alerts`
    of the target's own rules must fire under the fault, and clear."""

    name: str
    load: Load | None = None
    llm: Llm = Llm()
    settle_s: float = Field(20.0, ge=0)
    checkers: tuple[str, ...] = ()
    control: dict[str, str] = {}  # environment that makes the target unfit: the experiment must fail then
    proves: tuple[Annotated[str, StringConstraints(pattern=READINESS_ITEM)], ...] = ()  # of the readiness checklist
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """One file. `document` is handed to Chaos Toolkit as it is."""

    name: str
    path: Path
    document: Mapping[str, Any]
    extension: Extension

    @property
    def title(self) -> str:
        return str(self.document["title"])

    @property
    def injections(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """The faults of the method: (kind, parameters)."""
        found = []
        for activity in self.document.get("method") or ():
            provider = activity.get("provider") or {}
            if provider.get("module") == ACTIONS and provider.get("func") == "inject":
                arguments = provider.get("arguments") or {}
                found.append((str(arguments.get("fault", "")), dict(arguments.get("params") or {})))
        return tuple(found)

    @property
    def planned_s(self) -> float:
        """Seconds that its phases ask for; faults and settling come on top."""
        return sum(
            float((activity["provider"].get("arguments") or {}).get("seconds", 0))
            for activity in self.document.get("method") or ()
            if (activity.get("provider") or {}).get("func") == "observe"
        )


def read(path: Path) -> Experiment:
    """Read one file. Raises ConfigError naming file, line and fix."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=path) from None
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise ConfigError(f"not YAML: {getattr(error, 'problem', error)}", file=path, line=line) from None
    if not isinstance(document, dict):
        raise ConfigError("an experiment is a mapping with a title and a method", file=path, line=1)
    for key in ("title", "description", "method"):
        if not document.get(key):
            raise ConfigError(f"`{key}` is missing or empty", file=path, line=_line(text, key))
    mine = [row for row in document.get("extensions") or () if row.get("name") == "windtunnel"]
    if len(mine) != 1:
        hint = "add `extensions: [{name: windtunnel, load: {...}, checkers: [...]}]`"
        raise ConfigError("it needs one extension called windtunnel", file=path, hint=hint)
    try:
        extension = Extension.model_validate(mine[0])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"extension windtunnel: {where}: {first['msg']}", file=path, line=_line(text, str(first["loc"][-1]))
        ) from None
    experiment = Experiment(path.stem, path, document, extension)
    if not experiment.injections:
        hint = f"an action with module {ACTIONS}, func inject, arguments {{fault: ..., params: ...}}"
        raise ConfigError("its method injects no fault", file=path, line=_line(text, "method"), hint=hint)
    return experiment


def find(folder: Path, names: Sequence[str]) -> tuple[Experiment, ...]:
    """The experiments `names` of `folder`, or all of them. Raises ConfigError naming those there are."""
    files = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if not files:
        raise ConfigError(f"there are no experiments in {folder}", hint="windtunnel init lays some out")
    for name in names:
        if name not in files:
            raise ConfigError(f"no experiment {name!r} in {folder}", hint=f"there are: {', '.join(files)}")
    return tuple(read(files[name]) for name in (names or files))


def _line(text: str, key: str) -> int | None:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().removeprefix("- ").startswith(f"{key}:"):
            return number
    return None
