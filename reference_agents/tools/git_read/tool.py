"""git_read: what it takes, what it gives back."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from reference_agents.common.problem import Refused
from reference_agents.tools.describe import define, record, rows, text, whole
from reference_agents.tools.git_read.repository import MOST_NAMES, NotThere, log, opened, read
from reference_agents.tools.service import Tool

TAKES = record(
    {
        "path": text(
            "A file or a folder; the whole repository without it.",
            most=400,
            pattern=r"^[^\x00/][^\x00]*$",
            least=1,
            examples=["orders/price.py"],
        ),
        "revision": text(
            "A branch, tag or commit.", least=1, most=100, pattern=r"^[A-Za-z0-9_./~^-]+$", default="HEAD"
        ),
        "log": whole("How many of the commits that changed it to list, too.", 0, 50, default=0),
    },
    "path",
    "revision",
    "log",
)
GIVES = record(
    {
        "commit": text("The commit that was read.", most=64),
        "path": text("The path that was read.", most=400),
        "text": text("The file's text; empty for a folder.", most=20_000),
        "paths": rows("The files in the folder; none for a file.", {"type": "string"}, most=MOST_NAMES),
        "cut": {"type": "boolean", "description": "Whether there is more than is shown."},
        "log": rows(
            "Commits, newest first.",
            record(
                {
                    "commit": text("Its id.", most=64),
                    "author": text("Who made it.", most=1000),
                    "message": text("What it says.", most=1000),
                }
            ),
            most=50,
        ),
    }
)


def git_read(url: str, base: str) -> Tool:
    """The tool, to be called at `url`, over the repository that GIT_REPOSITORY names (a path), or a sample."""
    repository = opened(os.environ.get("GIT_REPOSITORY", ""))

    def both(path: str, revision: str, most: int) -> dict[str, Any]:
        return {**read(repository, path, revision), "log": log(repository, path, revision, most) if most else []}

    async def act(arguments: dict[str, Any], key: str) -> dict[str, Any]:
        path, revision = arguments.get("path", "").rstrip("/"), arguments.get("revision", "HEAD")
        try:
            return await asyncio.to_thread(both, path, revision, arguments.get("log", 0))
        except NotThere as error:
            raise Refused(422, str(error)) from None

    description = "Read a file or list a folder of the team's Git repository, and who changed it."
    return Tool(define("git_read", description, TAKES, GIVES, url, base), act)
