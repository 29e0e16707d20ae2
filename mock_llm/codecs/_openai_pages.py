"""OpenAI's lists, in pages by `after`, `limit` and `order`."""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._openai import invalid
from mock_llm.codecs.protocol import Call


def page(call: Call, items: list[dict[str, Any]], *, order: str = "asc") -> dict[str, Any]:
    """The page that the query asks for, out of items in order of creation; `order` is what it is without one."""
    query = {key: values[0] for key, values in call.query.items()}
    if query.get("order", order) == "desc":
        items = items[::-1]
    after = query.get("after")
    if after:
        ids = [item["id"] for item in items]
        items = items[ids.index(after) + 1 :] if after in ids else items
    limit = query.get("limit", "20")
    if not limit.isdigit():
        raise invalid("Invalid type for 'limit': expected an integer.", "limit", "invalid_type")
    shown = items[: max(1, min(int(limit), 100))]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(items) > len(shown),
    }
