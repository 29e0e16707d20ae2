"""A SQLite database that can be asked and not changed."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
DEAR = frozenset({"load_extension", "readfile", "writefile", "randomblob", "zeroblob", "printf", "format"})
STEPS = 10_000  # of SQLite's machine, between two looks at the clock
LONGEST = 4000  # characters of a value


class WrongQuery(Exception):
    """What is wrong with the query, in SQLite's words."""


@dataclass
class Database:
    """Answers SELECTs. Safe for many threads, one query at a time."""

    connection: sqlite3.Connection
    tables: tuple[str, ...]
    """How each table was created."""
    monotonic: Callable[[], float] = time.monotonic
    _alone: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, path: str) -> Database:
        """The database at `path`, or the sample where it is empty. Raises sqlite3.Error."""
        if path:
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
        else:
            connection = sqlite3.connect(":memory:", check_same_thread=False)
            connection.executescript(resources.files(__package__).joinpath("shop.sql").read_text())
        tables = [
            row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        connection.execute("PRAGMA query_only = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1_000_000)
        connection.set_authorizer(_authorize)
        return cls(connection, tuple(tables))

    def ask(self, query: str, parameters: Sequence[Any], most_rows: int, timeout_s: float) -> dict[str, Any]:
        """Columns and up to `most_rows` rows. Raises WrongQuery, TimeoutError after `timeout_s` seconds."""
        with self._alone:
            until = self.monotonic() + timeout_s
            self.connection.set_progress_handler(lambda: self.monotonic() > until, STEPS)
            try:
                cursor = self.connection.execute(query, parameters)
                found = cursor.fetchmany(most_rows + 1)
                columns = [column[0] for column in cursor.description or ()]
                cursor.close()
            except sqlite3.OperationalError as error:
                if "interrupted" in str(error):
                    raise TimeoutError(f"the query took longer than {timeout_s:g} s") from None
                raise WrongQuery(str(error)) from None
            except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
                raise WrongQuery(str(error)) from None
        rows = [[_plain(value) for value in row] for row in found[:most_rows]]
        return {"columns": columns, "rows": rows, "more": len(found) > most_rows}


def _authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and str(second).lower() in DEAR:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in READING else sqlite3.SQLITE_DENY


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, bytes):
        return value.hex()[:LONGEST]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return str(value)
    return value[:LONGEST] if isinstance(value, str) else value
