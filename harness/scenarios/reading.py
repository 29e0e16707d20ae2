"""Scenario files to scenarios, with errors that name the file, the line and the fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from harness.core.errors import ConfigError
from harness.scenarios.composing import INCLUDE, MATRIX, Variant, variants
from harness.scenarios.model import Scenario

SUFFIXES = (".yaml", ".yml")


def files_in(folder: Path) -> list[Path]:
    """The scenario files in `folder` and below; what starts with `_` is a part for others to include."""
    if not folder.is_dir():
        raise ConfigError(f"no folder {folder}", hint="suites.scenarios.path in windtunnel.toml names it")
    found = (file for file in sorted(folder.rglob("*")) if file.suffix in SUFFIXES)
    return [file for file in found if not any(part.startswith("_") for part in file.relative_to(folder).parts)]


def read_folder(folder: Path) -> list[Scenario]:
    """Every scenario in `folder` and below, by name. Raises ConfigError for a mistake in any of them."""
    found = [scenario for file in files_in(folder) for scenario in read_file(file)]
    for first, second in clashes(found):
        raise ConfigError(
            f"two scenarios are called {first.name!r}, here and in {first.file}",
            file=second.file,
            hint=f"rename one under {folder}",
        )
    return sorted(found, key=lambda scenario: scenario.name)


def clashes(scenarios: Iterable[Scenario]) -> list[tuple[Scenario, Scenario]]:
    """Scenarios of one name: the first, and the one that took its name again."""
    seen: dict[str, Scenario] = {}
    pairs = ((seen.setdefault(scenario.name, scenario), scenario) for scenario in scenarios)
    return [(first, second) for first, second in pairs if first is not second]


def read_file(file: Path) -> list[Scenario]:
    """The scenarios in `file`: one, or one for each row of its matrix."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=file) from None
    return parse(text, file)


def parse(text: str, file: Path) -> list[Scenario]:
    """The scenarios in `text`, which was read from `file`. Raises ConfigError (exit code 64)."""
    found = []
    for variant in variants(text, file):
        scenario, mistakes = check(variant, file)
        if scenario is None:
            raise mistakes[0]
        found.append(scenario)
    return found


def check(variant: Variant, file: Path) -> tuple[Scenario | None, list[ConfigError]]:
    """The scenario, or every mistake in it, the likeliest cause first."""
    try:
        scenario = Scenario.model_validate(variant.data)
    except yaml.YAMLError as error:
        return None, [ConfigError(f"not YAML: {error}", file=file)]
    except ValidationError as error:
        return None, _explained(error, file, variant.root)
    name = scenario.name or "-".join(part for part in (file.stem, variant.suffix) if part)
    return scenario.model_copy(update={"name": name}).read_from(file), []


def select(scenarios: Iterable[Scenario], only: Sequence[str], tags: Sequence[str]) -> list[Scenario]:
    """The scenarios called by `only` (names, tags, or files with a matrix), or those with one of `tags`, or all.

    Raises ConfigError for a name that fits nothing, with the closest ones.
    """
    rows = list(scenarios)
    wanted = list(only) or list(tags)
    known = sorted({word for row in rows for word in _words(row)})
    for word in wanted:
        if word not in known:
            close = difflib.get_close_matches(word, known, n=3, cutoff=0.4)
            raise ConfigError(
                f"no scenario and no tag is called {word!r}",
                hint=f"did you mean {', '.join(close)}?" if close else f"there are: {', '.join(known)}",
            )
    return [row for row in rows if not wanted or _words(row) & set(wanted)]


def _words(scenario: Scenario) -> set[str]:
    """All that it may be called by."""
    return {scenario.name, scenario.file.stem, *scenario.tags} - {""}


def _explained(error: ValidationError, file: Path, root: yaml.Node) -> list[ConfigError]:
    """Each problem as a ConfigError at the file and line of the key it is about, without those that follow from it."""
    problems = error.errors()
    # A typo makes a key unknown and another one missing, and a list whose only item is wrong too short.
    strange = {problem["loc"][:-1] for problem in problems if problem["type"] == "extra_forbidden"}
    causes = [
        problem
        for problem in problems
        if not (problem["type"] == "missing" and problem["loc"][:-1] in strange)
        and not any(other["loc"][: len(problem["loc"])] == problem["loc"] != other["loc"] for other in problems)
    ]
    return [_mistake(problem["type"], problem["loc"], problem["msg"], file, root) for problem in causes]


def _mistake(kind: str, path: tuple[int | str, ...], text: str, file: Path, root: yaml.Node) -> ConfigError:
    where = ".".join(str(part) for part in path) or "the scenario"
    hint: str | None = None
    if kind == "extra_forbidden":
        known = _known_keys(path[:-1])
        close = difflib.get_close_matches(str(path[-1]), known, n=1)
        message = f"unknown key `{path[-1]}`" + (f" in `{'.'.join(map(str, path[:-1]))}`" if path[1:] else "")
        hint = f"did you mean `{close[0]}`?" if close else f"known keys here: {', '.join(sorted(known))}"
    elif kind == "missing":
        message = f"`{where}` is missing"
        hint = f"add `{path[-1]}: ...`"
    else:
        message = f"`{where}`: {text.removeprefix('Value error, ')}"
    mark = mark_of(root, path)
    return ConfigError(message, file=mark.name or file, line=mark.line + 1, hint=hint)


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
    if not _is_model(model):
        return []
    return [*(field.alias or name for name, field in model.model_fields.items()), *(() if path else (INCLUDE, MATRIX))]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _model_in(annotation: Any) -> Any:
    if _is_model(annotation):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def mark_of(root: yaml.Node, path: tuple[int | str, ...]) -> yaml.Mark:
    """Where what lies at `path` was written, or the deepest thing above it that there is."""
    node, mark = root, root.start_mark
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                break
            mark, node = pair[0].start_mark, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            mark = node.start_mark
        else:
            break
    return mark
