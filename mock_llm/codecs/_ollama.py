"""What all of Ollama's endpoints share: errors, times, lines of JSON, the fields of a body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from mock_llm.codecs.protocol import ApiError, Call, Frame, Headers, Reply
from mock_llm.models import exists

JSON: Headers = ((b"content-type", b"application/json; charset=utf-8"),)
LINES: Headers = ((b"content-type", b"application/x-ndjson"),)
_MESSAGES = {
    401: "unauthorized",
    404: "not found",
    429: "too many requests",
    500: "an error was encountered while running the model: unexpected EOF",
    503: "server busy, please try again.  maximum pending requests exceeded",
}
_NS = 1_000_000_000
_PROMPT_NS, _TOKEN_NS, _LOAD_NS = 1_000_000, 20_000_000, 10_000_000  # a thousand and fifty tokens a second


def moment(seconds: float) -> str:
    """Epoch seconds as Ollama writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def invalid(message: str) -> ApiError:
    """A 400."""
    return ApiError(400, message)


def durations(prompt: int, completion: int | None = None) -> dict[str, int]:
    """What the answer says of its own times, in nanoseconds: made up from the counts, as nothing is computed here."""
    spent = {"prompt_eval_count": prompt, "prompt_eval_duration": prompt * _PROMPT_NS}
    if completion is not None:
        spent |= {"eval_count": completion, "eval_duration": completion * _TOKEN_NS}
    total = _LOAD_NS + spent["prompt_eval_duration"] + spent.get("eval_duration", 0)
    return {"total_duration": total, "load_duration": _LOAD_NS, **spent}


def body_of(call: Call, kind: str) -> dict[str, Any]:
    """The body as an object with a known model. Raises ApiError in the words of Ollama, which decodes into `kind`."""
    raw = call.json
    if raw is None:
        raise invalid("missing request body")
    if not isinstance(raw, dict):
        raise invalid(f"json: cannot unmarshal {go_kind(raw)} into Go value of type api.{kind}")
    return raw


def model_of(raw: Mapping[str, Any], call: Call, kind: str, *, required: bool = True, older: bool = False) -> str:
    """The name of the model that a body asks for. Raises ApiError: 400 without one, 404 for one not served.

    required: an empty name is an error of its own; without it, one more model that is not found.
    older: the field may be called `name`, too.
    """
    model = typed(raw, "model", str, kind, "string") or (older and typed(raw, "name", str, kind, "string")) or ""
    if required and not model:
        raise invalid("model is required")
    if not model or not served(model, call):
        raise ApiError(404, f"model '{model}' not found")
    return str(model)


def served(model: str, call: Call) -> bool:
    """Whether there is the model, with or without its tag `latest`."""
    return any(exists(name, call.settings) for name in (model, f"{model}:latest", model.removesuffix(":latest")))


def typed(raw: Mapping[str, Any], name: str, wanted: type | tuple[type, ...], kind: str, go_type: str) -> Any:
    """A field that is absent, null or of the type. Raises ApiError (400) as Go's decoder words it."""
    value = raw.get(name)
    if value is None or (isinstance(value, wanted) and not (isinstance(value, bool) and wanted is int)):
        return value
    raise invalid(f"json: cannot unmarshal {go_kind(value)} into Go struct field {kind}.{name} of type {go_type}")


def go_kind(value: Any) -> str:
    """What Go's JSON decoder calls a value."""
    if isinstance(value, bool):
        return "bool"
    names = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def reply(body: Mapping[str, Any]) -> Reply:
    """A whole answer."""
    return Reply(200, orjson.dumps(body), JSON)


def line(body: Mapping[str, Any], kind: str, tokens: int = 0) -> Frame:
    """One line of a streamed answer."""
    return Frame(orjson.dumps(body) + b"\n", kind, tokens)


def error_text(error: ApiError) -> str:
    """The message, or Ollama's own for the status."""
    return error.message or _MESSAGES.get(error.status, "internal server error")


def error_reply(error: ApiError, call: Call) -> Reply:
    """A whole answer that is an error."""
    text = _unread(call.body) if error.code == "invalid_json" else error_text(error)
    return Reply(error.status, orjson.dumps({"error": text}), JSON)


def error_frame(error: ApiError, call: Call) -> Frame:
    """An error as a line of a streamed answer."""
    return line({"error": error_text(error)}, "error")


def _unread(body: bytes) -> str:
    """Why a body is no JSON, as Go's decoder says it."""
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        rest = error.doc[error.pos :].lstrip()
        if rest and not error.msg.startswith("Unterminated"):
            return f"invalid character {rest[0]!r} looking for beginning of value"
        return "unexpected EOF"
    except ValueError:
        pass
    return "invalid character in string literal"
