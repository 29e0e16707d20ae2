"""What is wrong with scenario files, and what in them can never be shown; nothing is played for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from harness.core.errors import ConfigError
from harness.scenarios.composing import variants
from harness.scenarios.model import Scenario, Step
from harness.scenarios.reading import check, clashes


@dataclass(frozen=True)
class Remark:
    """A problem of a file. An error keeps it from being played; a warning says that it shows less than it means to."""

    level: Literal["error", "warning"]
    text: str  # begins with the file, and the line where there is one
    fix: str = ""


def lint(files: Iterable[Path], services: frozenset[str]) -> list[Remark]:
    """Every remark on `files`, file by file. `services` are those that the target declares; empty when not known."""
    remarks: list[Remark] = []
    read: list[Scenario] = []
    for file in files:
        found, mistakes = _read(file)
        read.extend(found)
        texts = dict.fromkeys((mistake.message, mistake.hint or "") for mistake in mistakes)
        remarks.extend(Remark("error", *text) for text in texts)
        # What is said of every row of a matrix is said once.
        doubts = dict.fromkeys(doubt for scenario in found for doubt in _doubts(scenario, services))
        remarks.extend(Remark("warning", f"{file}: {text}", fix) for text, fix in doubts)
    for first, second in clashes(read):
        text = f"{second.file}: called {second.name!r} as {first.file} is"
        remarks.append(Remark("error", text, "rename one of them"))
    return remarks


def _read(file: Path) -> tuple[list[Scenario], list[ConfigError]]:
    found, mistakes = [], list[ConfigError]()
    try:
        text = file.read_text()
        for variant in variants(text, file):
            scenario, wrong = check(variant, file)
            mistakes.extend(wrong)
            if scenario is not None:
                found.append(scenario)
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(ConfigError(f"cannot be read: {error}", file=file))
    except ConfigError as error:
        mistakes.append(error)
    return found, mistakes


def _doubts(scenario: Scenario, services: frozenset[str]) -> Iterator[tuple[str, str]]:
    """What would make a played scenario INCONCLUSIVE, INFRA or empty, as far as the file alone tells."""
    if services and scenario.service and scenario.service not in services:
        there = f"there are: {', '.join(sorted(services))}"
        yield f"the target declares no service {scenario.service!r}", there
    steps = list(_steps(scenario.when))
    asks = [ask for step in steps for ask in (step.run, step.task, step.event) if ask is not None]
    names = {ask.name for ask in asks}
    for assertion in scenario.then:
        of = getattr(assertion.judged, "of", "")
        if of and of not in names:
            known = ", ".join(sorted(names - {""})) or "none has a name"
            yield f"`{assertion.kind}` is of {of!r}, and no call has that name", f"the calls: {known}"
    if not asks:
        yield "`when` hands in no task: nothing will be judged", "add a `run`, `task` or `event`"
    if scenario.when[-1].fault is not None:
        yield "the fault comes last: nothing is asked of the service while it is there", "put it `together` with a task"
    yield from _tools(scenario)
    yield from _troubles(scenario)


def _tools(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Tools that must be called, though the script, where it is all that the model says, never asks for them."""
    script = scenario.given.llm.script
    if script is None or not scenario.given.llm.strict:
        return
    asked = set(_called(script))
    for assertion in scenario.then:
        wanted: set[str] = set()
        if assertion.effects is not None and (assertion.effects.exactly or assertion.effects.at_least or 0) > 0:
            wanted = {assertion.effects.tool}
        elif assertion.recovery is not None:
            wanted = {assertion.recovery.tool}
        for tool in sorted(wanted - asked):
            said = f"the script's tool calls: {', '.join(sorted(asked)) or 'none'}"
            yield f"`{assertion.kind}` needs a call of {tool!r}, and the script never asks for one", said


def _troubles(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Assertions about getting over something, where nothing goes wrong."""
    given = scenario.given
    if given.edges or given.llm.faults is not None or scenario.disturbs or _speaks_of(given.llm.script, "error"):
        return
    for assertion in scenario.then:
        if assertion.kind in ("fallback", "retries") or (assertion.backoff is not None and assertion.backoff.models):
            yield (
                f"`{assertion.kind}` has nothing to show: no model fails in this scenario",
                "add given.llm.faults, an `error` answer, an edge or a fault",
            )


def _steps(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        yield from _steps(step.together)


def _called(part: JsonValue) -> Iterator[str]:
    """The names under every `tool_calls` of a script."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("tool_calls", "tool_call", "blocks"):
                for call in value if isinstance(value, list) else [value]:
                    name = call.get("name") if isinstance(call, dict) else call if key != "blocks" else None
                    if isinstance(name, str):
                        yield name
            yield from _called(value)
    elif isinstance(part, list):
        for item in part:
            yield from _called(item)


def _speaks_of(part: JsonValue, word: str) -> bool:
    if isinstance(part, dict):
        return word in part or any(_speaks_of(value, word) for value in part.values())
    return isinstance(part, list) and any(_speaks_of(item, word) for item in part)
