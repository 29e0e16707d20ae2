"""A deterministic mock of the LLM providers' HTTP APIs, for testing agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_llm.codecs.protocol import ApiError
    from mock_llm.completion import Completion, Refusal, Text, Thinking, ToolCall, Usage
    from mock_llm.embedded import MockLLM
    from mock_llm.handle import Handle
    from mock_llm.recording import Recorder, Replay
    from mock_llm.script.answer import Answer
    from mock_llm.script.model import Rule
    from mock_llm.server import Server
    from mock_llm.settings import Settings
    from mock_llm.sweep import sweep, sweep_async

__all__ = [
    "Answer",
    "ApiError",
    "Completion",
    "Handle",
    "MockLLM",
    "Recorder",
    "Refusal",
    "Replay",
    "Rule",
    "Server",
    "Settings",
    "Text",
    "Thinking",
    "ToolCall",
    "Usage",
    "sweep",
    "sweep_async",
]

_HOMES = {
    "ApiError": "mock_llm.codecs.protocol",
    "Answer": "mock_llm.script.answer",
    "Completion": "mock_llm.completion",
    "Handle": "mock_llm.handle",
    "MockLLM": "mock_llm.embedded",
    "Recorder": "mock_llm.recording",
    "Replay": "mock_llm.recording",
    "Rule": "mock_llm.script.model",
    "Refusal": "mock_llm.completion",
    "Server": "mock_llm.server",
    "Settings": "mock_llm.settings",
    "Text": "mock_llm.completion",
    "Thinking": "mock_llm.completion",
    "ToolCall": "mock_llm.completion",
    "Usage": "mock_llm.completion",
    "sweep": "mock_llm.sweep",
    "sweep_async": "mock_llm.sweep",
}


def __getattr__(name: str) -> Any:
    """Import a public name's module when the name is first used: the pytest plugin is loaded by everyone."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
