"""Scenario files to scenarios, with errors that name the file, the line and the fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from harness.core.errors import ConfigError
from harness.scenarios.model import Scenario

SUFFIXES = (".yaml", ".yml")


def read_folder(folder: Path) -> list[Scenario]:
    """Every scenario in `folder` and below, by name. Raises ConfigError for a mistake in any of them."""
    if not folder.is_dir():
        raise ConfigError(f"no folder {folder}", hint="suites.scenarios.path in windtunnel.toml names it")
    found = [read_file(file) for file in sorted(folder.rglob("*")) if file.suffix in SUFFIXES]
    seen: dict[str, Scenario] = {}
    for scenario in found:
        if scenario.name in seen:
            raise ConfigError(f"two scenarios are called {scenario.name!r}", hint=f"rename one under {folder}")
        seen[scenario.name] = scenario
    return sorted(found, key=lambda scenario: scenario.name)


def read_file(file: Path) -> Scenario:
    """The scenario in `file`."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=file) from None
    return parse(text, file).read_from(file)


def parse(text: str, file: Path) -> Scenario:
    """The scenario in `text`, which was read from `file`. Raises ConfigError (exit code 64)."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"not YAML: {message}", file=file, line=mark.line + 1 if mark else None) from None
    if not isinstance(data, dict):
        raise ConfigError("a scenario is a mapping with title, when and then", file=file, line=1)
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        raise _explained(error, file, root) from None
    return scenario if scenario.name else scenario.model_copy(update={"name": file.stem})


def select(scenarios: Iterable[Scenario], only: Sequence[str], tags: Sequence[str]) -> list[Scenario]:
    """The scenarios called by `only` (names or tags), or those with one of `tags`, or all.

    Raises ConfigError for a name that fits nothing, with the closest ones.
    """
    rows = list(scenarios)
    wanted = list(only) or list(tags)
    known = sorted({row.name for row in rows} | {tag for row in rows for tag in row.tags})
    for word in wanted:
        if word not in known:
            close = difflib.get_close_matches(word, known, n=3, cutoff=0.4)
            raise ConfigError(
                f"no scenario and no tag is called {word!r}",
                hint=f"did you mean {', '.join(close)}?" if close else f"there are: {', '.join(known)}",
            )
    return [row for row in rows if not wanted or {row.name, *row.tags} & set(wanted)]


def _explained(error: ValidationError, file: Path, root: yaml.Node | None) -> ConfigError:
    """The first problem as a ConfigError at the line of the key it is about."""
    problems = error.errors()
    # A typo makes a key unknown and another one missing: the unknown one is what was written.
    first = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    path = first["loc"]
    where = ".".join(str(part) for part in path) or "the scenario"
    hint: str | None = None
    if first["type"] == "extra_forbidden":
        known = _known_keys(path[:-1])
        close = difflib.get_close_matches(str(path[-1]), known, n=1)
        message = f"unknown key `{path[-1]}`" + (f" in `{'.'.join(map(str, path[:-1]))}`" if path[1:] else "")
        hint = f"did you mean `{close[0]}`?" if close else f"known keys here: {', '.join(sorted(known))}"
    elif first["type"] == "missing":
        message = f"`{where}` is missing"
        hint = f"add `{path[-1]}: ...`"
    else:
        message = f"`{where}`: {first['msg'].removeprefix('Value error, ')}"
    return ConfigError(message, file=file, line=line_of(root, path), hint=hint)


def _known_keys(path: tuple[int | str, ...]) -> list[str]:
    """The keys a scenario file may have at `path`."""
    model: Any = Scenario
    for part in path:
        if isinstance(part, int):
            continue
        field = (
            next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
            if _is_model(model)
            else None
        )
        model = _model_in(field.annotation) if field is not None else None
    return [field.alias or name for name, field in model.model_fields.items()] if _is_model(model) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _model_in(annotation: Any) -> Any:
    if _is_model(annotation):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def line_of(root: yaml.Node | None, path: tuple[int | str, ...]) -> int | None:
    """The line (from 1) of what lies at `path`, or of the deepest thing above it that there is."""
    if root is None:
        return None
    node, line = root, root.start_mark.line + 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
