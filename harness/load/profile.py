"""Load profiles: YAML files as types."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from harness.core.config import READINESS_ITEM
from harness.core.errors import ConfigError
from harness.load import peak as peaks


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Slo(_Part):
    """What a phase must keep. Latencies in seconds, from the intended send; rates as fractions."""

    p50_s: float | None = Field(None, gt=0)
    p95_s: float | None = Field(None, gt=0)
    p99_s: float | None = Field(None, gt=0)
    error_rate: float | None = Field(None, ge=0, le=1)
    goodput: float | None = Field(None, ge=0, le=1)  # answered well and within p99_s, of all that were due

    def limits(self) -> dict[str, float]:
        """The limits that are set, by name."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class PhaseSpec(_Part):
    """One stretch of a profile: `factor` times the peak for `seconds`; with `to`, a ramp from the one to the other."""

    name: str = Field(min_length=1)
    factor: float = Field(ge=0)
    to: float | None = Field(None, ge=0)
    seconds: float = Field(gt=0)
    slo: Slo = Slo()
    measured: bool = True  # False: a warm-up, which no SLO judges


class Mix(_Part):
    """How often each way of handing in a task is taken; shares of their sum."""

    run: float = Field(1.0, ge=0)
    submit: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _some(self) -> Mix:
        if self.run + self.submit <= 0:
            raise ValueError("at least one share must be above 0")
        return self


class PeakFrom(_Part):
    """Where the peak is taken from: one file, its path relative to the profile's."""

    access_log: Path | None = None
    prometheus: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> PeakFrom:
        if (self.access_log is None) == (self.prometheus is None):
            raise ValueError("give either access_log or prometheus")
        return self

    def read(self, folder: Path) -> float:
        """Arrivals a second. Raises OSError or ValueError for a file that does not tell."""
        if self.access_log is not None:
            with (folder / self.access_log).open(errors="replace") as lines:
                return peaks.of_access_log(lines)
        assert self.prometheus is not None
        return peaks.of_prometheus((folder / self.prometheus).read_text())


class Profile(_Part):
    """A load profile. `peak` is in arrivals a second: the p99 of one-minute arrivals that production expects."""

    name: str = ""
    description: str = ""
    service: str | None = None  # default: the first agent that takes tasks
    peak: float = Field(gt=0)
    peak_from: PeakFrom | None = None  # in place of `peak`, which it then becomes
    arrivals: Literal["poisson", "constant", "gamma"] = "poisson"
    burstiness: float = Field(4.0, gt=0)  # gamma only: variance over mean of the gaps, 1 is Poisson
    mix: Mix = Mix()
    prompts: tuple[str, ...] = ("What is a circuit breaker?",)
    sessions: int = Field(50, ge=1)
    timeout_s: float = Field(30.0, gt=0)
    poll_first_s: float = Field(0.2, gt=0)
    poll_most_s: float = Field(2.0, gt=0)
    drain_s: float = Field(15.0, ge=0)  # how long after the last arrival answers are waited for
    drained_within_s: float | None = Field(None, gt=0)  # SLO: how soon after the load everything must be over
    phases: tuple[PhaseSpec, ...] = Field(min_length=1)
    proves: tuple[Annotated[str, StringConstraints(pattern=READINESS_ITEM)], ...] = ()  # of the readiness checklist

    @model_validator(mode="after")
    def _told_apart(self) -> Profile:
        names = [phase.name for phase in self.phases]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two phases are called {twice!r}; SLOs are judged by name, so each needs its own")
        return self

    @property
    def seconds(self) -> float:
        """How long the phases last together, without the wait for the last answers."""
        return sum(phase.seconds for phase in self.phases)

    def quick(self) -> Profile:
        """The same profile with phases a third as long, for a first look."""
        return self.model_copy(
            update={"phases": tuple(p.model_copy(update={"seconds": max(2.0, p.seconds / 3)}) for p in self.phases)}
        )


def read_profile(folder: Path, name: str) -> Profile:
    """The profile `name` under `folder`/profiles. Raises ConfigError with file, line and the closest names."""
    file = folder / "profiles" / f"{name}.yaml"
    if not file.is_file():
        names = sorted(path.stem for path in (folder / "profiles").glob("*.yaml"))
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(names) or 'none'}"
        raise ConfigError(f"there is no load profile {name!r} in {folder / 'profiles'}", hint=hint)
    text = file.read_text()
    try:
        data = _with_peak(yaml.safe_load(text), file, text)
        profile = Profile.model_validate(data)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(
            f"not YAML: {getattr(error, 'problem', error)}", file=file, line=mark.line + 1 if mark else None
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = "unknown key" if first["type"] == "extra_forbidden" else first["msg"]
        if first["loc"][:1] == ("fault",):
            message = "a fault in the middle of a load profile is not supported; use `windtunnel chaos` for faults"
        raise ConfigError(f"`{where}`: {message}", file=file, line=_line(text, first["loc"])) from None
    return profile.model_copy(update={"name": name})


def _with_peak(data: object, file: Path, text: str) -> object:
    """`data` with the peak that its `peak_from` leads to. Raises ConfigError when that does not tell."""
    if not isinstance(data, dict) or data.get("peak_from") is None:
        return data
    line = _line(text, ("peak_from",))
    if "peak" in data:
        raise ConfigError("`peak` and `peak_from` are both given: keep one", file=file, line=line)
    try:
        return {**data, "peak": PeakFrom.model_validate(data["peak_from"]).read(file.parent)}
    except ValidationError as error:
        raise ConfigError(f"`peak_from`: {error.errors()[0]['msg']}", file=file, line=line) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"`peak_from`: {error}", file=file, line=line) from None


def _line(text: str, path: tuple[int | str, ...]) -> int | None:
    """The line of the deepest node at `path`."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = None
    for part in path:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part], node.value[part])
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
