"""A full-text index over pages of a JSON Lines file: SQLite FTS5, ranked by BM25."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any


class Index:
    """Holds the pages in memory; safe for one thread. `lines` has url, title and body, one page a line."""

    def __init__(self, lines: str) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.execute(
            "CREATE VIRTUAL TABLE pages USING fts5(url UNINDEXED, title, body, tokenize='porter unicode61')"
        )
        rows = [json.loads(line) for line in lines.splitlines() if line.strip()]
        self._db.executemany("INSERT INTO pages VALUES (?, ?, ?)", [(r["url"], r["title"], r["body"]) for r in rows])

    def search(self, query: str, limit: int) -> list[dict[str, Any]]:
        """The pages that have any of the query's words, best first."""
        words = re.findall(r"\w+", query)[:32]
        if not words:
            return []
        asked = " OR ".join('"' + word + '"' for word in words)
        rows = self._db.execute(
            "SELECT url, title, snippet(pages, 2, '', '', '...', 40), -bm25(pages) FROM pages WHERE pages MATCH ? "
            "ORDER BY bm25(pages), url LIMIT ?",
            (asked, limit),
        )
        return [
            {"url": url, "title": title, "snippet": text, "score": round(score, 4)} for url, title, text, score in rows
        ]
