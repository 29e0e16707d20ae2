"""The kind `report writer`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.core.registry import Registry
from harness.reports.view import View

Writer = Callable[[View, Path], None]
"""Writes one file into the run's folder."""

WRITERS: Registry[Writer] = Registry("report writer")
