"""`{{ ... }}` in answers: values out of the conversation.

Names: `match.0`, `match.1`, `match.name` (groups of the rule's regular expression), `newest`, `user`, `system`,
`model`, `session`, `step`, `tool_result` (newest result's text), `tool_result.TOOL` (that tool's newest),
either with `.json.path.to.value` behind it, and `json.path` or `json:$.json.path` into the raw body.
Filters after `|`: `json`, `upper`, `lower`, `words:N`, `default:TEXT`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from mock_llm.script.jsonpath import find
from mock_llm.script.matchers import Scene

_HOLE = re.compile(r"\{\{\s*(.+?)\s*\}\}")


class TemplateError(ValueError):
    """A template names something that is not there."""


def has_holes(text: str) -> bool:
    return "{{" in text


def fill(value: Any, scene: Scene) -> Any:
    """`value` with every template in it filled in; a string that is one template alone keeps the type found.

    Raises TemplateError for a name that does not exist.
    """
    if isinstance(value, str):
        if "{{" not in value:
            return value
        whole = _HOLE.fullmatch(value)
        if whole is not None:
            return _value(whole[1], scene)
        return _HOLE.sub(lambda hole: _text(_value(hole[1], scene)), value)
    if isinstance(value, Mapping):
        return {key: fill(item, scene) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, scene) for item in value]
    return value


def fill_text(text: str, scene: Scene) -> str:
    """The same for a text, always giving a text."""
    return _HOLE.sub(lambda hole: _text(_value(hole[1], scene)), text) if "{{" in text else text


def check(text: str) -> list[str]:
    """What is wrong with the templates of a text, whatever the conversation (for lint)."""
    wrong = []
    for hole in _HOLE.finditer(text):
        name = hole[1].split("|")[0].strip()
        head = re.split(r"[.:]", name)[0]
        if head not in _HEADS:
            wrong.append(f"{{{{ {name} }}}}: unknown name {head!r}; there are: {', '.join(sorted(_HEADS))}")
        for part in hole[1].split("|")[1:]:
            if part.strip().split(":")[0] not in _FILTERS:
                wrong.append(f"{{{{ {name} }}}}: unknown filter {part.strip()!r}")
    return wrong


_HEADS = {"match", "newest", "user", "system", "model", "session", "step", "tool_result", "json"}
_FILTERS = {"json", "upper", "lower", "words", "default"}


def _value(expression: str, scene: Scene) -> Any:
    name, *filters = (part.strip() for part in expression.split("|"))
    try:
        value = _lookup(name, scene)
    except TemplateError:
        fallback = next((f.partition(":")[2] for f in filters if f.startswith("default")), None)
        if fallback is None:
            raise
        value = fallback
    for item in filters:
        kind, _, arg = item.partition(":")
        if kind == "json":
            value = orjson.dumps(value).decode()
        elif kind == "upper":
            value = _text(value).upper()
        elif kind == "lower":
            value = _text(value).lower()
        elif kind == "words":
            value = " ".join(_text(value).split()[: int(arg or 5)])
        elif kind != "default":
            raise TemplateError(f"unknown filter {kind!r} in {{{{ {expression} }}}}")
    return value


def _lookup(name: str, scene: Scene) -> Any:
    request = scene.request
    if name.startswith("json:"):
        return _first(find(request.raw, name[5:].strip()), name)
    head, _, rest = name.partition(".")
    if head == "match":
        if rest in scene.captures:
            return scene.captures[rest]
        raise TemplateError(f"no group {rest!r}: the rule has no regular expression with it")
    if head == "json":
        return _first(find(request.raw, rest), name)
    if head == "tool_result":
        return _result(rest, name, scene)
    if name == "user":
        return request.newest_user
    if name in ("newest", "system", "model", "session", "step"):
        return getattr(request, name)
    raise TemplateError(f"unknown name {name!r} in a template; there are: {', '.join(sorted(_HEADS))}")


def _result(rest: str, name: str, scene: Scene) -> Any:
    results = list(scene.request.tool_results())
    tool, _, path = rest.partition(".")
    if tool == "json":
        path = rest
    elif tool:
        results = [result for result in results if result.name == tool]
    if not results:
        raise TemplateError(f"no tool result for {{{{ {name} }}}}")
    text = results[-1].text
    if not path:
        return text
    if path != "json" and not path.startswith("json."):
        raise TemplateError(f"{{{{ {name} }}}}: after the tool's name comes .json.path")
    try:
        decoded = orjson.loads(text)
    except ValueError:
        raise TemplateError(f"the tool result for {{{{ {name} }}}} is not JSON") from None
    return decoded if path == "json" else _first(find(decoded, path[5:]), name)


def _first(found: list[Any], name: str) -> Any:
    if not found:
        raise TemplateError(f"nothing is at {{{{ {name} }}}}")
    return found[0]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
