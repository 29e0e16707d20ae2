"""What the tools do: reservations of stock, in SQLite, with a ledger of every call that was carried out."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import uuid
from typing import Any

SKUS = ("BOLT-M8", "NUT-M8", "WASHER-M8")
EACH_AT_FIRST = 10_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, available INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS reservations (
    id TEXT PRIMARY KEY, order_id TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, tool TEXT NOT NULL,
    idempotency_key TEXT NOT NULL, arguments_sha256 TEXT NOT NULL, outcome TEXT NOT NULL);
"""


class Stockroom:
    """Reserves and releases stock. `remembers_orders`: the same order for the same part is reserved once."""

    def __init__(self, path: str, *, remembers_orders: bool = True) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(SCHEMA)
        stock = [(sku, EACH_AT_FIRST) for sku in SKUS]
        self._db.executemany("INSERT OR IGNORE INTO stock VALUES (?, ?)", stock)
        self._remembers_orders = remembers_orders

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Carry out one call, effect and ledger line in one transaction.

        A repeat that is answered from memory did nothing and is no line in the ledger.
        """
        action = {"reserve_stock": self._reserve, "release_stock": self._release}[tool]
        self._db.execute("BEGIN IMMEDIATE")
        try:
            result = action(arguments)
            if result["status"] != "already_reserved":
                self._note(tool, arguments, result["status"])
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return result

    def _note(self, tool: str, arguments: dict[str, Any], outcome: str) -> None:
        digest = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()
        key = arguments.get("order_id", "")
        self._db.execute(
            "INSERT INTO ledger VALUES (NULL, ?, ?, ?, ?, ?)",
            (time.time(), tool, key, digest, outcome),
        )

    def ledger(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute("SELECT * FROM ledger ORDER BY seq")]

    def available(self) -> dict[str, int]:
        return {row["sku"]: row["available"] for row in self._db.execute("SELECT * FROM stock")}

    def _reserve(self, arguments: dict[str, Any]) -> dict[str, Any]:
        sku, order_id, quantity = arguments["sku"], arguments["order_id"], int(arguments["quantity"])
        known = self._db.execute("SELECT id FROM reservations WHERE order_id = ? AND sku = ?", (order_id, sku))
        if self._remembers_orders and (row := known.fetchone()):
            return {"status": "already_reserved", "reservation_id": row["id"]}
        taken = self._db.execute(
            "UPDATE stock SET available = available - ? WHERE sku = ? AND available >= ?",
            (quantity, sku, quantity),
        )
        if taken.rowcount == 0:
            return {"status": "out_of_stock", "reservation_id": ""}
        number = uuid.uuid4().hex
        self._db.execute("INSERT INTO reservations VALUES (?, ?, ?, ?)", (number, order_id, sku, quantity))
        return {"status": "reserved", "reservation_id": number}

    def _release(self, arguments: dict[str, Any]) -> dict[str, Any]:
        number = arguments["reservation_id"]
        row = self._db.execute("DELETE FROM reservations WHERE id = ? RETURNING sku, quantity", (number,)).fetchone()
        if row is None:
            return {"status": "unknown", "reservation_id": number}
        self._db.execute("UPDATE stock SET available = available + ? WHERE sku = ?", (row[1], row[0]))
        return {"status": "released", "reservation_id": number}
