"""The models that Ollama's library is known for: what each takes, and what each can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ALL = ("completion", "tools", "thinking", "vision", "insert")


@dataclass(frozen=True, slots=True)
class Known:
    """One model: its context in tokens, its architecture, its capabilities as `ollama show` lists them."""

    context: int
    family: str
    able: tuple[str, ...]


KNOWN: Mapping[str, Known] = {
    "llama3.2:latest": Known(131_072, "llama", ("completion", "tools")),
    "qwen3:latest": Known(40_960, "qwen3", ("completion", "tools", "thinking")),
    "gemma3:latest": Known(131_072, "gemma3", ("completion", "vision")),
    "gpt-oss:20b": Known(131_072, "gptoss", ("completion", "tools", "thinking")),
    "qwen2.5-coder:latest": Known(32_768, "qwen2", ("completion", "tools", "insert")),
    "nomic-embed-text:latest": Known(2_048, "nomic-bert", ("embedding",)),
}
"""Those that there are, where the settings name none."""


def tagged(name: str) -> str:
    """The name with its tag."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def full(name: str) -> str:
    """The name with registry, owner and tag, as errors of Ollama's scheduler give it."""
    owned = name if "/" in name else f"library/{name}"
    return tagged(owned if owned.count("/") > 1 else f"registry.ollama.ai/{owned}")


def able(name: str) -> tuple[str, ...]:
    """What a model can do. One that is not known can do everything, or only embed where its name says so."""
    known = KNOWN.get(tagged(name))
    if known is not None:
        return known.able
    return ("embedding",) if "embed" in name else _ALL


def context(name: str) -> int:
    """How many tokens it takes."""
    known = KNOWN.get(tagged(name))
    return known.context if known is not None else 4_096


def family(name: str) -> str:
    """Its architecture: of one that is not known, the letters that its name begins with."""
    known = KNOWN.get(tagged(name))
    if known is not None:
        return known.family
    bare = name.rpartition("/")[2].partition(":")[0]
    return "nomic-bert" if "embed" in bare else bare.rstrip("0123456789.-") or "llama"
