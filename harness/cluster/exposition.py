"""Prometheus' text format, as far as an autoscaler reads it."""

from __future__ import annotations

import re

_LINE = re.compile(r'([A-Za-z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)(?:\s+-?\d+)?')
_LABEL = re.compile(r'([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


def samples(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """The labels and values of a metric's samples; a line that cannot be read is none."""
    found = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip()) if line.startswith(name) else None
        if match is None or match[1] != name:
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        labels = {
            key: re.sub(r"\\.", lambda m: _ESCAPES.get(m[0], m[0]), raw) for key, raw in _LABEL.findall(match[2] or "")
        }
        found.append((labels, value))
    return found
