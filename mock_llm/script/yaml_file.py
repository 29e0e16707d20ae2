"""Scripts in YAML files; every error names the file and the line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from mock_llm.script.decode import ScriptError, rules_from_data
from mock_llm.script.model import Rule


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class ScriptFileError(ValueError):
    """A file that is no script; the text is `file:line: problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class ScriptFile:
    """What a script file says: rules, and optionally a fault plan and a pacing, as data."""

    rules: list[Rule]
    faults: list[dict[str, Any]] | None = None
    pacing: dict[str, Any] | None = None


def read_script(path: Path) -> ScriptFile:
    """The script in a YAML file. Raises ScriptFileError; OSError where it cannot be read."""
    text = path.read_text(encoding="utf-8")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise ScriptFileError(Problem(str(path), mark.line + 1 if mark else 1, problem)) from None
    if node is None or data is None:
        raise ScriptFileError(Problem(str(path), 1, "the file is empty; it needs `rules:` with a list"))
    try:
        rules = rules_from_data(data)
    except ScriptError as error:
        raise ScriptFileError(
            Problem(str(path), line_of(node, error.where), f"{error.where}: {error.problem}")
        ) from None
    placed = [replace(rule, line=line_of(node, f"rules[{i}]")) for i, rule in enumerate(rules)]
    extra = data if isinstance(data, dict) else {}
    pacing = extra.get("pacing")
    if pacing is not None and not isinstance(pacing, dict):
        wrong = Problem(str(path), line_of(node, "pacing"), "pacing: expected an object with a `kind`")
        raise ScriptFileError(wrong)
    return ScriptFile(placed, extra.get("faults"), pacing)


def line_of(node: yaml.Node, where: str) -> int:
    """The line (from 1) of a place such as `rules[2].answer.text`, or of the closest place around it."""
    line = node.start_mark.line + 1
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", where):
        if index and isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
            node = node.value[int(index)]
            line = node.start_mark.line + 1
        elif name and isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == name), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif not (name in ("rules", "script") and isinstance(node, yaml.SequenceNode)):
            break
    return line
