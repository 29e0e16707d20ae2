"""Problems of a rule file that show before any request arrives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from mock_llm.completion import Text
from mock_llm.recording.check import check_recording
from mock_llm.recording.read import is_recording
from mock_llm.script.answer import Answer, Call
from mock_llm.script.matchers import ANY, All, Matcher
from mock_llm.script.model import Rule
from mock_llm.script.template import check
from mock_llm.script.yaml_file import Problem, ScriptFileError, line_of, read_script


def lint_file(path: Path) -> list[Problem]:
    """Every problem found, by line; an unreadable file is one."""
    try:
        if is_recording(path.read_text(encoding="utf-8")):
            return check_recording(path)
        file = read_script(path)
    except OSError as error:
        return [Problem(str(path), 1, f"cannot be read: {error.strerror or error}")]
    except UnicodeDecodeError:
        return [Problem(str(path), 1, "is not UTF-8 text")]
    except ScriptFileError as error:
        return [error.problem]
    problems = [Problem(str(path), rule.line or 1, text) for rule, text in _rules(file.rules)]
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    problems.extend(_plan(path, node, file.faults, file.pacing))
    return sorted(problems, key=lambda problem: problem.line)


def _plan(path: Path, node: yaml.Node | None, faults: object, pacing: dict[str, object] | None) -> Iterator[Problem]:
    from mock_llm import faults as faults_package
    from mock_llm import pacing as pacing_package
    from mock_llm.faults.plan import plan_from_data

    faults_package.discover()
    pacing_package.discover()
    if faults is not None:
        try:
            plan_from_data(faults)
        except ValueError as error:
            yield Problem(str(path), _line(node, str(error).split(":")[0]), str(error))
    if pacing is not None:
        try:
            pacing_package.from_data(pacing)
        except ValueError as error:
            yield Problem(str(path), _line(node, "pacing"), f"pacing: {error}")


def _rules(rules: list[Rule]) -> Iterator[tuple[Rule, str]]:
    names: dict[str, Rule] = {}
    seen: list[tuple[frozenset[str], Rule]] = []
    for rule in rules:
        if rule.name in names:
            yield rule, f"a second rule is called {rule.name!r}; the first is at line {names[rule.name].line}"
        names.setdefault(rule.name, rule)
        conditions = _conditions(rule.when)
        for earlier, by in seen:
            if earlier <= conditions:
                yield rule, f"rule {rule.name!r} can never answer: {by.name!r} (line {by.line}) takes all of it first"
                break
        if rule.most is None:
            seen.append((conditions, rule))
        for answer in rule.answers:
            for text in _texts(answer):
                for wrong in check(text):
                    yield rule, f"rule {rule.name!r}: {wrong}"
        if rule.then == "cycle" and len(rule.answers) == 1:
            yield rule, f"rule {rule.name!r}: `then: cycle` says nothing with a single answer"


def _conditions(when: Matcher) -> frozenset[str]:
    if when is ANY:
        return frozenset()
    return frozenset(str(part) for part in when.parts) if isinstance(when, All) else frozenset((str(when),))


def _texts(answer: Answer) -> Iterator[str]:
    for blocks in answer.choices:
        for block in blocks:
            if isinstance(block, Call):
                yield from _strings(block.arguments)
            elif isinstance(block, Text):
                yield block.text


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _line(node: yaml.Node | None, where: str) -> int:
    return line_of(node, where) if node is not None else 1
