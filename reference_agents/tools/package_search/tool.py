"""package_search: what it takes, what it gives back."""

from __future__ import annotations

from importlib import resources
from typing import Any

from reference_agents.tools.describe import define, record, rows, text, whole
from reference_agents.tools.fulltext import Index
from reference_agents.tools.service import Tool

TAKES = record(
    {
        "query": text("What the library should do.", least=1, most=400, examples=["retries with back-off"]),
        "limit": whole("Most results to return.", 1, 20, default=5),
    },
    "limit",
)
GIVES = record(
    {
        "packages": rows(
            "Libraries, best first.",
            record(
                {
                    "name": text("Its name in the package index.", most=100),
                    "purl": text("Its package URL.", most=200),
                    "summary": text("What it does.", most=1000),
                }
            ),
            most=20,
        )
    }
)


def package_search(url: str, base: str) -> Tool:
    """The tool, to be called at `url`."""
    index = Index(resources.files(__package__).joinpath("packages.jsonl").read_text())

    async def act(arguments: dict[str, Any], key: str) -> dict[str, Any]:
        found = index.search(arguments["query"], arguments.get("limit", 5))
        return {
            "packages": [{"name": row["title"], "purl": row["url"], "summary": row["snippet"]} for row in found],
        }

    return Tool(define("package_search", "Find a Python library by what it does.", TAKES, GIVES, url, base), act)
