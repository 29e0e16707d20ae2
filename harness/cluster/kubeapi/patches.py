"""The kinds of PATCH: JSON, merge, strategic merge. Server-side apply is in `apply`."""

from __future__ import annotations

import copy
from typing import Any

from harness.cluster.manifests.documents import Json
from harness.cluster.manifests.merge import json_patch, strategic_merge
from harness.cluster.resources import Resource

JSON, MERGE = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


def patched(kind: str, resource: Resource, old: Json, sent: Any) -> Json | None:
    """`old` after the patch `sent` of content type `kind`; None for a kind that is none. Raises ValueError."""
    if kind == JSON:
        if not isinstance(sent, list):
            raise ValueError("a JSON patch is a list of operations")
        result = json_patch(old, sent)
    elif kind == MERGE:
        result = merge_patch(old, sent)
    elif kind == STRATEGIC and not resource.custom:
        result = strategic_merge(old, sent)
    else:
        return None
    return result if isinstance(result, dict) else None


def merge_patch(base: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result
