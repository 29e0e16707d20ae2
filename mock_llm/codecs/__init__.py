"""One module (or package) a wire protocol, found by itself: see docs/mock-llm/adding-a-protocol.md."""

from __future__ import annotations

import importlib
import pkgutil

from mock_llm.codecs.protocol import ApiError, Call, Codec, Frame, Headers, Hints, Reply, Route

__all__ = ["ApiError", "Call", "Codec", "Frame", "Headers", "Hints", "Reply", "Route", "discover"]


def discover() -> tuple[Codec, ...]:
    """Every codec in this package, by name: the `CODEC` (or each of `CODECS`) of every module."""
    found: list[Codec] = []
    for info in pkgutil.iter_modules(__path__):
        if info.name == "protocol" or info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        found.extend(getattr(module, "CODECS", ()))
        if hasattr(module, "CODEC"):
            found.append(module.CODEC)
    return tuple(sorted(found, key=lambda codec: codec.name))
