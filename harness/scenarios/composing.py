"""What a scenario file is made of: parts it includes, and the matrix it is unfolded by.

All of it is done on YAML nodes, which keep their file and line: a mistake is named where it was written.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.core.errors import ConfigError

INCLUDE, MATRIX = "include", "matrix"
NEVER_INCLUDED = ("when", "name", "title", MATRIX)
_HOLE = re.compile(r"\$\{(\w+)\}")
_NOT_IN_A_NAME = re.compile(r"[^\w.]+")


@dataclass(frozen=True)
class Variant:
    """One scenario of a file: what its name ends with (empty without a matrix), and its content."""

    suffix: str
    root: yaml.MappingNode

    @property
    def data(self) -> object:
        """The content as plain data."""
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_document(copy.deepcopy(self.root))  # `<<` is merged in place
        finally:
            loader.dispose()


def variants(text: str, file: Path) -> list[Variant]:
    """Every scenario that `text`, read from `file`, stands for. Raises ConfigError."""
    root = _composed(text, file)
    included = _pop(root, INCLUDE)
    if included is not None:
        for part in reversed(_texts(included, file)):
            _merge(root, _part(file.parent / part.value, file, part))
    matrix = _pop(root, MATRIX)
    if matrix is None:
        return [Variant("", root)]
    found, used = [], set[str]()
    for row in _rows(matrix, file):
        found.append(Variant("-".join(_word(value) for value in row.values()), _filled(root, row, used)))
    idle = {name for row in _rows(matrix, file) for name in row} - used
    if idle:
        raise ConfigError(
            f"nothing in the file uses ${{{sorted(idle)[0]}}} of its matrix", file=file, line=_line(matrix)
        )
    return found


def _composed(text: str, file: Path) -> yaml.MappingNode:
    loader = yaml.SafeLoader(text)
    loader.name = str(file)  # what the marks of its nodes will say
    try:
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"not YAML: {message}", file=file, line=mark.line + 1 if mark else None) from None
    finally:
        loader.dispose()
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError("a scenario is a mapping with title, when and then", file=file, line=1)
    return root


def _part(path: Path, file: Path, where: yaml.ScalarNode) -> yaml.MappingNode:
    try:
        part = _composed(path.read_text(), path)
    except (OSError, UnicodeDecodeError) as error:
        message = f"include {where.value!r} cannot be read: {error}"
        raise ConfigError(message, file=file, line=_line(where), hint="the path is relative to this file") from None
    for key, _ in part.value:
        if key.value in (*NEVER_INCLUDED, INCLUDE):
            raise ConfigError(
                f"`{key.value}` cannot stand in an included part: it belongs to one scenario",
                file=path,
                line=_line(key),
            )
    return part


def _merge(own: yaml.MappingNode, part: yaml.MappingNode) -> None:
    """Mappings are merged, lists follow the file's own, and of single values the file's own stands."""
    mine = {key.value: value for key, value in own.value}
    for key, value in part.value:
        there = mine.get(key.value)
        if there is None:
            own.value.append((key, value))
        elif isinstance(there, yaml.MappingNode) and isinstance(value, yaml.MappingNode):
            _merge(there, value)
        elif isinstance(there, yaml.SequenceNode) and isinstance(value, yaml.SequenceNode):
            there.value.extend(value.value)


def _rows(matrix: yaml.Node, file: Path) -> Iterator[dict[str, yaml.ScalarNode]]:
    """`{a: [1, 2], b: [3, 4]}` is every combination; a list of mappings is what it says."""
    if isinstance(matrix, yaml.MappingNode) and matrix.value:
        names = [key.value for key, _ in matrix.value]
        columns = [_texts(value, file) for _, value in matrix.value]
        for values in itertools.product(*columns):
            yield dict(zip(names, values, strict=True))
    elif isinstance(matrix, yaml.SequenceNode) and matrix.value:
        for row in matrix.value:
            if not isinstance(row, yaml.MappingNode) or not row.value:
                raise ConfigError("a row of `matrix` is a mapping of names to values", file=file, line=_line(row))
            yield {key.value: _scalar(value, file) for key, value in row.value}
    else:
        message = "`matrix` is a mapping of names to lists, or a list of rows"
        raise ConfigError(message, file=file, line=_line(matrix), hint="matrix: {status: [429, 500, 503]}")


def _filled(node: Any, row: Mapping[str, yaml.ScalarNode], used: set[str]) -> Any:
    """`node` with every ${name} replaced; one that is the whole value keeps the kind of what replaces it."""
    if isinstance(node, yaml.ScalarNode):
        whole = _HOLE.fullmatch(node.value)
        if whole and whole[1] in row:
            used.add(whole[1])
            value = row[whole[1]]
            return yaml.ScalarNode(value.tag, value.value, node.start_mark, node.end_mark)

        def put(hole: re.Match[str]) -> str:
            if hole[1] not in row:
                names = ", ".join(sorted(row))
                raise ConfigError(
                    f"${{{hole[1]}}} is not in the matrix of this file",
                    file=node.start_mark.name,
                    line=_line(node),
                    hint=f"there are: {names}",
                )
            used.add(hole[1])
            return str(row[hole[1]].value)

        return yaml.ScalarNode(node.tag, _HOLE.sub(put, node.value), node.start_mark, node.end_mark)
    if isinstance(node, yaml.SequenceNode):
        items = [_filled(item, row, used) for item in node.value]
        return yaml.SequenceNode(node.tag, items, node.start_mark, node.end_mark)
    pairs = [(_filled(key, row, used), _filled(value, row, used)) for key, value in node.value]
    return yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark)


def _pop(root: yaml.MappingNode, name: str) -> yaml.Node | None:
    found = next((pair for pair in root.value if pair[0].value == name), None)
    if found is None:
        return None
    root.value.remove(found)
    node: yaml.Node = found[1]
    return node


def _texts(node: yaml.Node, file: Path) -> list[yaml.ScalarNode]:
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    if not items:
        raise ConfigError("an empty list stands for nothing", file=file, line=_line(node))
    return [_scalar(item, file) for item in items]


def _scalar(node: yaml.Node, file: Path) -> yaml.ScalarNode:
    if not isinstance(node, yaml.ScalarNode):
        raise ConfigError("a single value is wanted here, not a list or a mapping", file=file, line=_line(node))
    return node


def _word(value: yaml.ScalarNode) -> str:
    return _NOT_IN_A_NAME.sub("-", value.value).strip("-") or "empty"


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line + 1
    return line
