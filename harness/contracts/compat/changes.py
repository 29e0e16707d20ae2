"""One difference between two versions of a contract, and what a set of them asks of the version number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import JsonValue

from harness.contracts.compat.schemas import Comparison, Relation, takes_all


class Kind(StrEnum):
    """How a change meets those who rely on the old version."""

    BREAKING = "breaking"
    UNKNOWN = "unknown"  # could not be decided: to be reviewed, never waved through
    ADDITION = "addition"
    WORDING = "wording"  # descriptions, annotations, examples: a model may act otherwise, no client fails


@dataclass(frozen=True)
class Change:
    """`subject` is an operation or a tool, `where` the part of it. A witness is a payload that the old
    version took (or that the new one may send) and that the other side now refuses."""

    kind: Kind
    subject: str
    where: str
    text: str
    witness: JsonValue = None
    has_witness: bool = False

    def sentence(self) -> str:
        """The change in a line, with its witness."""
        shown = f"; for example {json.dumps(self.witness, ensure_ascii=False)[:400]}" if self.has_witness else ""
        return f"{self.subject}: {self.where}: {self.text}{shown}"


def request_change(
    subject: str, where: str, old: Mapping[str, Any] | bool, new: Mapping[str, Any] | bool
) -> list[Change]:
    """What became of something that clients send: the new version must take all that the old one took."""
    forward = takes_all(new, old)
    if forward.relation is not Relation.COMPATIBLE:
        return [_broken(subject, where, forward, "what was accepted is refused now")]
    if takes_all(old, new).relation is Relation.COMPATIBLE:
        return []
    return [Change(Kind.ADDITION, subject, where, "accepts more than before")]


def response_change(
    subject: str, where: str, old: Mapping[str, Any] | bool, new: Mapping[str, Any] | bool
) -> list[Change]:
    """What became of something that clients read: all that the new version may send must fit the old one.

    Readers are taken to ignore properties they do not know, as JSON clients do; a closed old schema is
    therefore read as an open one.
    """
    backward = takes_all(opened(old), new)
    if backward.relation is not Relation.COMPATIBLE:
        return [_broken(subject, where, backward, "an answer may come that readers of the old version cannot read")]
    if takes_all(new, old).relation is Relation.COMPATIBLE and takes_all(old, new).relation is Relation.COMPATIBLE:
        return []
    return [Change(Kind.ADDITION, subject, where, "promises more than before, or says it more narrowly")]


def opened(schema: Any) -> Any:
    """`schema` with every closed object open."""
    if isinstance(schema, list):
        return [opened(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: opened(value)
        for key, value in schema.items()
        if not (key in ("additionalProperties", "unevaluatedProperties") and value is False)
    }


def advice(changes: Iterable[Change]) -> str:
    """The semantic-versioning step that the changes ask for: major, minor, patch or none."""
    kinds = {change.kind for change in changes}
    if kinds & {Kind.BREAKING, Kind.UNKNOWN}:
        return "major"
    if Kind.ADDITION in kinds:
        return "minor"
    return "patch" if kinds else "none"


def _broken(subject: str, where: str, comparison: Comparison, text: str) -> Change:
    unknown = comparison.relation is Relation.UNKNOWN
    return Change(
        Kind.UNKNOWN if unknown else Kind.BREAKING,
        subject,
        where,
        f"{text} ({comparison.reason})" if comparison.reason else text,
        comparison.witness,
        comparison.has_witness,
    )
