"""web_search: what it takes, what it gives back, how it does it."""

from __future__ import annotations

from importlib import resources
from typing import Any

from reference_agents.tools.describe import define
from reference_agents.tools.fulltext import Index
from reference_agents.tools.service import Tool

PARAMETERS: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "query": {
            "type": "string",
            "minLength": 1,
            "maxLength": 400,
            "description": "Words to look for.",
            "examples": ["circuit breaker half open"],
        },
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": 20,
            "default": 5,
            "description": "Most results to return.",
        },
    },
    "required": ["query"],
    "additionalProperties": False,
}
RETURNS: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "The query as it was understood."},
        "results": {
            "type": "array",
            "maxItems": 20,
            "description": "Pages, best first.",
            "items": {
                "type": "object",
                "properties": {
                    "url": {"type": "string", "description": "Where the page is."},
                    "title": {"type": "string", "description": "Its title."},
                    "snippet": {"type": "string", "description": "The part that fits the query."},
                    "score": {"type": "number", "description": "BM25, higher is better."},
                },
                "required": ["url", "title", "snippet", "score"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["query", "results"],
    "additionalProperties": False,
}


def web_search(url: str, base: str) -> Tool:
    """The tool, to be called at `url`."""
    index = Index(resources.files(__package__).joinpath("corpus.jsonl").read_text())

    async def act(arguments: dict[str, Any], key: str) -> dict[str, Any]:
        found = index.search(arguments["query"], arguments.get("limit", 5))
        return {"query": arguments["query"], "results": found}

    description = "Search a small library of engineering pages. Returns titles, snippets and URLs, best first."
    return Tool(define("web_search", description, PARAMETERS, RETURNS, url, base), act)
