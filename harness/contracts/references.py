"""References inside a JSON document, followed or carried along."""

from __future__ import annotations

from typing import Any


def lookup(document: Any, reference: str) -> Any:
    """What a local reference (`#/components/schemas/Task`) names. Raises KeyError when it names nothing."""
    here = document
    for part in reference.removeprefix("#").strip("/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list):
            here = here[int(name)]
        elif name:
            here = here[name]
    return here


def inlined(schema: Any, document: Any, *, _within: tuple[str, ...] = ()) -> Any:
    """`schema` with every local reference replaced by what it names.

    A reference inside itself becomes `{}` (anything), which is enough to read bounds from.
    """
    if isinstance(schema, list):
        return [inlined(item, document, _within=_within) for item in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        if reference in _within:
            return {}
        target = inlined(lookup(document, reference), document, _within=(*_within, reference))
        beside = {k: inlined(v, document, _within=_within) for k, v in schema.items() if k != "$ref"}
        return {**target, **beside} if isinstance(target, dict) else target
    return {key: inlined(value, document, _within=_within) for key, value in schema.items()}


def standalone(schema: Any, document: Any) -> Any:
    """`schema` with everything it refers to in `document` carried along under `$defs`.

    Keeps recursion as recursion, so that the result means the same on its own.
    """
    carried: dict[str, Any] = {}

    def rewrite(node: Any) -> Any:
        if isinstance(node, list):
            return [rewrite(item) for item in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if not (isinstance(reference, str) and reference.startswith("#")):
            return {key: rewrite(value) for key, value in node.items()}
        name = reference.removeprefix("#/").replace("/", ".").replace("~1", ".")
        if name not in carried:
            carried[name] = True  # claimed before its own references are followed
            carried[name] = rewrite(lookup(document, reference))
        beside = {key: rewrite(value) for key, value in node.items() if key != "$ref"}
        return {"$ref": f"#/$defs/{name}", **beside}

    result = rewrite(schema)
    return {**result, "$defs": carried} if carried and isinstance(result, dict) else result
