"""Alert rules as Prometheus reads them: a rules file, or a PrometheusRule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.core.errors import ConfigError

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_PART = re.compile(r"(\d+)(ms|[smhdwy])")


@dataclass(frozen=True)
class Rule:
    """One alert: it fires once `expr` has held for `for_s` seconds."""

    name: str
    expr: str
    for_s: float


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Every alert of the file. Raises ConfigError naming it."""
    try:
        documents = [document for document in yaml.safe_load_all(path.read_text()) if document]
        groups: list[Any] = [group for document in documents for group in _groups(document)]
        rows = [row for group in groups for row in group["rules"] if "alert" in row]
        rules = tuple(Rule(str(row["alert"]), str(row["expr"]), seconds(str(row.get("for", "0s")))) for row in rows)
    except OSError as error:
        raise ConfigError(f"the alert rules cannot be read: {error.strerror}", file=path) from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(f"no alert rules: {error}", file=path, hint="promtool check rules says more") from None
    if not rules:
        raise ConfigError("there is no alert in it", file=path)
    return rules


def seconds(text: str) -> float:
    """A duration in Prometheus' words, e.g. `1h30m`. Raises ValueError."""
    if _PART.sub("", text) or not text:
        raise ValueError(f"{text!r} is no duration")
    return sum(float(number) * UNITS_S[unit] for number, unit in _PART.findall(text))


def _groups(document: Any) -> list[Any]:
    found: list[Any] = (document.get("spec") or document)["groups"]
    return found
