"""csv_read: what it takes, what it gives back, how it reads."""

from __future__ import annotations

import asyncio
import csv
import io
import os
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from reference_agents.common.problem import Refused
from reference_agents.tools.describe import define, record, rows, text, whole
from reference_agents.tools.service import Tool

MOST_ROWS = 200
NAME = r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}\.csv$"
CELL = {"type": "string"}
TAKES = record(
    {
        "file": text("The file's name.", most=104, pattern=NAME, examples=["sales.csv"]),
        "columns": rows("Which columns; all of them without this.", text("A column.", most=200), most=100),
        "where": {
            "type": "object",
            "description": "Only rows in which these columns have these values.",
            "maxProperties": 10,
            "additionalProperties": {"type": "string", "maxLength": 1000},
        },
        "offset": whole("Rows to pass over.", 0, 10_000_000, default=0),
        "limit": whole("Most rows to return.", 1, MOST_ROWS, default=50),
    },
    "columns",
    "where",
    "offset",
    "limit",
)
GIVES = record(
    {
        "columns": rows("Names of the columns.", CELL, most=1000),
        "rows": rows("The rows, their cells as text.", rows("One row.", CELL, most=1000), most=MOST_ROWS),
        "more": {"type": "boolean", "description": "Whether there are more rows after these."},
    }
)


def read(folder: Traversable, arguments: dict[str, Any]) -> dict[str, Any]:
    """The rows that `arguments` ask for. Raises Refused (422) for a file or column that is not there."""
    found = folder.joinpath(arguments["file"])
    if not found.is_file():
        there = ", ".join(sorted(file.name for file in folder.iterdir() if file.name.endswith(".csv")))
        raise Refused(422, f"there is no file {arguments['file']!r}; there are: {there}")
    try:
        with io.TextIOWrapper(found.open("rb"), encoding="utf-8", newline="") as lines:
            return _rows(csv.reader(lines), arguments)
    except (csv.Error, UnicodeDecodeError) as error:
        raise Refused(422, f"{arguments['file']} is not CSV in UTF-8: {error}") from None


def _rows(reader: Iterator[list[str]], arguments: dict[str, Any]) -> dict[str, Any]:
    header = next(reader, [])
    wanted = arguments.get("columns") or header
    where = arguments.get("where", {})
    for name in [*wanted, *where]:
        if name not in header:
            raise Refused(422, f"there is no column {name!r}; there are: {', '.join(header)}")
    places = [header.index(name) for name in wanted]
    tests = [(header.index(name), value) for name, value in where.items()]
    offset, limit = arguments.get("offset", 0), arguments.get("limit", 50)
    kept: list[list[str]] = []
    fitting = 0
    for cells in reader:
        cells += [""] * (len(header) - len(cells))
        if any(cells[place] != value for place, value in tests):
            continue
        fitting += 1
        if fitting > offset + limit:
            return {"columns": list(wanted), "rows": kept, "more": True}
        if fitting > offset:
            kept.append([cells[place] for place in places])
    return {"columns": list(wanted), "rows": kept, "more": False}


def csv_read(url: str, base: str, folder: Traversable | None = None) -> Tool:
    """The tool, to be called at `url`, over the files in CSV_FOLDER, or samples."""
    named = os.environ.get("CSV_FOLDER", "")
    files = folder or (Path(named) if named else resources.files(__package__).joinpath("files"))

    async def act(arguments: dict[str, Any], key: str) -> dict[str, Any]:
        return await asyncio.to_thread(read, files, arguments)

    there = ", ".join(sorted(file.name for file in files.iterdir() if file.name.endswith(".csv")))
    return Tool(define("csv_read", f"Read rows of a table. There are: {there}.", TAKES, GIVES, url, base), act)
