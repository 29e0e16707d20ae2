"""Items, of which conversations are made: as clients send them, as they are kept, and as turns."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from mock_llm.codecs.protocol import Call
from mock_llm.completion import Block, Json, Media, Refusal, Text, Thinking, ToolCall, ToolResult, Turn

Item = dict[str, Any]

_PREFIX = {
    "message": "msg_",
    "reasoning": "rs_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "custom_tool_call": "ctc_",
    "custom_tool_call_output": "ctco_",
    "compaction": "cmp_",
}
# Items of these types say whether they are complete.
_STATUS = frozenset(("message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"))
_MEDIA: dict[str, Any] = {"input_image": "image", "input_audio": "audio", "input_file": "file"}
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
OUTPUTS = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}


def ident(call: Call, prefix: str, name: object = "") -> str:
    """An id as the Responses API makes them: the prefix and 48 hexadecimal digits."""
    return prefix + call.seed.digest(f"{prefix}{name}", 24).hex()


def own(text: str) -> bool:
    """Whether an id has the form of those made here: such a one that is not stored was never kept, or is deleted."""
    tail = text.rpartition("_")[2]
    return len(tail) == 48 and all(c in "0123456789abcdef" for c in tail)


def kept(given: Json, call: Call, label: str = "in") -> list[Item]:
    """What was sent (a text, or a list of items that `validate` has passed) as items with ids, to be kept."""
    if given is None:
        return []
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    return [_kept(item, call, f"{label}{index}") for index, item in enumerate(given)]


def _kept(item: Item, call: Call, name: str) -> Item:
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    if kind == "item_reference":
        found: Item | None = call.store.get("response.item", item["id"])
        return found if found is not None else {"type": "item_reference", "id": item["id"]}
    made = {"id": ident(call, _PREFIX.get(kind, "item_"), name), "type": kind}
    if kind in _STATUS:
        made["status"] = "completed"
    made |= {key: value for key, value in item.items() if value is not None}
    if kind == "message":
        made["content"] = _content(item["content"], item["role"])
    return made


def _content(content: Json, role: str) -> list[Item]:
    if isinstance(content, str):
        if role == "assistant":
            return [{"type": "output_text", "text": content, "annotations": [], "logprobs": []}]
        return [{"type": "input_text", "text": content}]
    return [{"detail": "auto", **part} if part.get("type") == "input_image" else part for part in content]


def turns(items: list[Item]) -> tuple[list[str], tuple[Turn, ...]]:
    """The system messages, and the turns: what the model did between two inputs is one turn."""
    system: list[str] = []
    made: list[Turn] = []
    spoken: list[Block] = []
    names: dict[str, str] = {}

    def close() -> None:
        if spoken:
            made.append(Turn("assistant", tuple(spoken)))
            spoken.clear()

    for item in _expanded(items):
        kind, role = item["type"], item.get("role")
        if kind == "message" and role == "assistant":
            spoken.extend(_blocks(item["content"]))
        elif kind in CALLS:
            custom = kind == "custom_tool_call"
            spoken.append(ToolCall(item["name"], item[CALLS[kind]], item["call_id"], custom=custom))
            names[item["call_id"]] = item["name"]
        elif kind == "reasoning":
            text = "\n".join(part.get("text", "") for part in item.get("summary") or ())
            if text:
                spoken.append(Thinking(text))
        elif kind == "message" and role in ("system", "developer"):
            system.append("\n".join(b.text for b in _blocks(item["content"]) if isinstance(b, Text)))
        elif kind == "message":
            close()
            made.append(Turn("user", _blocks(item["content"])))
        elif kind in OUTPUTS:
            close()
            called = item["call_id"]
            made.append(Turn("tool", (ToolResult(called, _output(item["output"]), names.get(called, "")),)))
    close()
    return system, tuple(made)


def _blocks(content: list[Item]) -> tuple[Block, ...]:
    found: list[Block] = []
    for part in content:
        kind = part.get("type")
        if kind in _MEDIA:
            found.append(Media(_MEDIA[kind], part))
        elif kind == "refusal":
            found.append(Refusal(part.get("refusal", "")))
        else:
            found.append(Text(part.get("text", "")))
    return tuple(found)


def _output(output: Json) -> str:
    if isinstance(output, str):
        return output
    return "\n".join(part.get("text", "") for part in output or () if isinstance(part, dict))


def compacted(items: list[Item], call: Call) -> Item:
    """One item that stands for all of them: what real ones encrypt is only encoded here."""
    content = base64.b64encode(orjson.dumps(list(_expanded(items)))).decode()
    return {"id": ident(call, "cmp_"), "type": "compaction", "encrypted_content": content}


def _expanded(items: list[Item]) -> list[Item]:
    found: list[Item] = []
    for item in items:
        if item["type"] != "compaction":
            found.append(item)
            continue
        try:
            found.extend(orjson.loads(base64.b64decode(item.get("encrypted_content", ""), validate=True)))
        except (ValueError, binascii.Error):
            continue  # compacted by somebody else: its content is not ours to read
    return found
