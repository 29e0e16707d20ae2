"""Ollama's models: what there is, what is loaded, what one is made of; pulling one that is there already."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from mock_llm.clock import EPOCH
from mock_llm.codecs import _ollama
from mock_llm.codecs._ollama import KNOWN, body_of, model_of, moment, reply
from mock_llm.codecs._ollama_plain import PlainOllama
from mock_llm.codecs.protocol import Call, Reply, Route

VERSION = "0.12.6"
_SIZE = 2_019_393_189


def tags(call: Call) -> Reply:
    """GET /api/tags."""
    return reply({"models": [_entry(name) for name in _names(call)]})


def loaded(call: Call) -> Reply:
    """GET /api/ps: the models that this session has used would be in memory; here all of them are."""
    until = moment(call.created + 300)
    return reply(
        {
            "models": [
                {**_entry(name), "expires_at": until, "size_vram": _SIZE, "context_length": KNOWN.get(name, 4096)}
                for name in _names(call)
            ]
        }
    )


def show(call: Call) -> Reply:
    """POST /api/show."""
    name = model_of(body_of(call, "ShowRequest"), call, "ShowRequest")
    family, tagged = _family(name), name if ":" in name else f"{name}:latest"
    embeds = "embed" in name
    return reply(
        {
            "license": "",
            "modelfile": f"# Modelfile of a mock\nFROM {tagged}\n",
            "parameters": "temperature 0.7",
            "template": "{{ .Prompt }}",
            "details": _details(name),
            "model_info": {
                "general.architecture": family,
                "general.parameter_count": 3_212_749_888,
                f"{family}.context_length": KNOWN.get(tagged, 4096),
                f"{family}.embedding_length": 768 if embeds else 3072,
            },
            "capabilities": ["embedding"] if embeds else ["completion", "tools", "thinking", "vision"],
            "modified_at": moment(EPOCH),
        }
    )


def pull(call: Call) -> Reply:
    """POST /api/pull: it is there already, which is told in lines, or in one body with `stream` false."""
    raw = body_of(call, "PullRequest")
    name = model_of(raw, call, "PullRequest")
    if raw.get("stream") is False:
        return reply({"status": "success"})
    layer = {"status": f"pulling {_digest(name)[:12]}", "digest": f"sha256:{_digest(name)}", "total": _SIZE}
    steps: list[dict[str, Any]] = [{"status": "pulling manifest"}, {**layer, "completed": _SIZE}]
    steps += [{"status": word} for word in ("verifying sha256 digest", "writing manifest", "success")]
    return Reply(200, b"".join(orjson.dumps(step) + b"\n" for step in steps), _ollama.LINES)


def version(call: Call) -> Reply:
    """GET /api/version."""
    return reply({"version": VERSION})


def _names(call: Call) -> tuple[str, ...]:
    named = call.settings.models
    return tuple(name if ":" in name else f"{name}:latest" for name in named) or tuple(KNOWN)


def _entry(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": moment(EPOCH),
        "size": _SIZE,
        "digest": _digest(name),
        "details": _details(name),
    }


def _details(name: str) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": _family(name),
        "families": [_family(name)],
        "parameter_size": "3.2B",
        "quantization_level": "Q4_K_M",
    }


def _family(name: str) -> str:
    """The architecture, from the letters that a name begins with."""
    bare = name.rpartition("/")[2].partition(":")[0]
    return "nomic-bert" if "embed" in bare else bare.rstrip("0123456789.-") or "llama"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


CODEC = PlainOllama(
    "ollama-models",
    (
        Route("GET", "/api/tags", tags),
        Route("GET", "/api/ps", loaded),
        Route("GET", "/api/version", version),
        Route("POST", "/api/show", show),
        Route("POST", "/api/pull", pull),
    ),
)
