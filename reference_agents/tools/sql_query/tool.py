"""sql_query: what it takes, what it gives back."""

from __future__ import annotations

import asyncio
import os
import re
from typing import Any

from reference_agents.common.problem import Refused
from reference_agents.tools.describe import define, record, rows, text, whole
from reference_agents.tools.service import Tool
from reference_agents.tools.sql_query.database import Database, WrongQuery

TIMEOUT_S = 3.0
MOST_ROWS = 200
VALUE: dict[str, Any] = {"type": ["string", "number", "null"], "description": "A value; bytes in hexadecimal."}
TAKES = record(
    {
        "query": text(
            "One SELECT in SQLite's SQL; ? stands for a parameter.",
            least=1,
            most=4000,
            pattern=r"^[^\x00]+$",
            examples=["SELECT status, count(*) FROM orders GROUP BY status"],
        ),
        "parameters": rows("Values for the ?s, in order.", {**VALUE, "maxLength": 1000}, most=20),
        "limit": whole("Most rows to return.", 1, MOST_ROWS, default=50),
    },
    "parameters",
    "limit",
)
GIVES = record(
    {
        "columns": rows("Names of the columns.", {"type": "string"}, most=2000),
        "rows": rows("The rows.", rows("One row.", VALUE, most=2000), most=MOST_ROWS),
        "more": {"type": "boolean", "description": "Whether there are more rows than the limit."},
    }
)


def sql_query(url: str, base: str, database: Database | None = None) -> Tool:
    """The tool, to be called at `url`, over the database that SQL_DATABASE names (a path), or a sample."""
    database = database or Database.open(os.environ.get("SQL_DATABASE", ""))

    async def act(arguments: dict[str, Any], key: str) -> dict[str, Any]:
        query, parameters = arguments["query"], arguments.get("parameters", [])
        try:
            return await asyncio.to_thread(database.ask, query, parameters, arguments.get("limit", 50), TIMEOUT_S)
        except (WrongQuery, TimeoutError) as error:
            raise Refused(422, str(error)) from None

    tables = " ".join(re.sub(r"\s+", " ", table) + ";" for table in database.tables)
    description = f"Ask the database, which cannot be changed. Its tables: {tables}"
    return Tool(define("sql_query", description, TAKES, GIVES, url, base), act)
