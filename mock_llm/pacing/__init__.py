"""Models of time to first token and between tokens, found by themselves: one file each."""

from __future__ import annotations

import importlib
import pkgutil

from mock_llm.pacing.pacing import PACINGS, Load, Pacing, from_data, pacing

__all__ = ["PACINGS", "Load", "Pacing", "discover", "from_data", "pacing"]


def discover() -> None:
    """Import every module of this package, so that each pacing registers itself."""
    for info in pkgutil.iter_modules(__path__):
        if info.name != "pacing" and not info.name.startswith("_"):
            importlib.import_module(f"{__name__}.{info.name}")
