"""knowledge_base: what it takes, what it gives back."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from reference_agents.tools.describe import define, record, rows, text, whole
from reference_agents.tools.fulltext import Index
from reference_agents.tools.service import Tool

TAKES = record(
    {
        "query": text("A word, or a question.", least=1, most=400, examples=["error budget"]),
        "limit": whole("Most articles to return.", 1, 5, default=2),
    },
    "limit",
)
GIVES = record(
    {
        "articles": rows(
            "Whole articles, best first.",
            record(
                {
                    "id": text("Its id.", most=100),
                    "title": text("Its title.", most=200),
                    "text": text("All of it.", most=10_000),
                }
            ),
            most=5,
        )
    }
)


def knowledge_base(url: str, base: str) -> Tool:
    """The tool, to be called at `url`."""
    lines = resources.files(__package__).joinpath("articles.jsonl").read_text()
    index = Index(lines)
    bodies = {row["url"]: row["body"] for row in map(json.loads, lines.splitlines())}

    async def act(arguments: dict[str, Any], key: str) -> dict[str, Any]:
        found = index.search(arguments["query"], arguments.get("limit", 2))
        return {"articles": [{"id": row["url"], "title": row["title"], "text": bodies[row["url"]]} for row in found]}

    description = "Look something up in the company's own articles: its terms, rules and prices."
    return Tool(define("knowledge_base", description, TAKES, GIVES, url, base), act)
