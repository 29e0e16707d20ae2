"""Watches: every change from a resourceVersion on, one JSON line each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from harness.cluster.kubeapi.answers import failure
from harness.cluster.kubeapi.request import Ask
from harness.cluster.kubeapi.rows import Rows, check, partial, wanted
from harness.cluster.kubeapi.versions import shown_as
from harness.cluster.manifests.documents import Json
from harness.cluster.store import Change, Expired, Store

BOOKMARK_S = 30.0  # how often a quiet watch that allows it hears the current resourceVersion


def watch(rows: Rows, ask: Ask) -> Response:
    """GET of a collection with `watch=true`; a bad selector raises BadRequest at once."""
    check(ask.query.get("labelSelector", ""), ask.query.get("fieldSelector", ""), ask.resource.key)
    return StreamingResponse(_Watch(rows, ask).lines(), media_type="application/json")


class _Watch:
    def __init__(self, rows: Rows, ask: Ask) -> None:
        self.rows, self.ask = rows, ask
        self.store: Store = rows.store
        self.clock = rows.cluster.clock
        self.labels, self.fields = ask.query.get("labelSelector", ""), ask.query.get("fieldSelector", "")
        self.seen: set[str] = set()

    async def lines(self) -> AsyncIterator[bytes]:
        queue = self.store.subscribe()
        try:
            since = self.ask.query.get("resourceVersion", "")
            initial = self.ask.flag("sendInitialEvents")
            backlog: list[Change] = []
            if initial or since in ("", "0"):
                for body in self.rows.chosen(self.ask):
                    self.seen.add(body["metadata"]["uid"])
                    yield self._line("ADDED", body)
                if initial:
                    yield self._bookmark({"k8s.io/initial-events-end": "true"})
            else:
                try:
                    backlog = list(self.store.since(int(since)))
                except Expired as error:
                    yield _json("ERROR", failure(410, str(error)))
                    return
                # Whatever matched before the first change that is still to be told was seen by the client's list.
                touched = {change.body["metadata"]["uid"]: change.kind for change in reversed(backlog)}
                known = {b["metadata"]["uid"] for b in self.rows.chosen(self.ask)}
                self.seen = known - {uid for uid, kind in touched.items() if kind == "ADDED"}
            async for line in self._follow(queue, backlog):
                yield line
        finally:
            self.store.unsubscribe(queue)

    async def _follow(self, queue: asyncio.Queue[Change], backlog: list[Change]) -> AsyncIterator[bytes]:
        until = self.clock.monotonic() + float(self.ask.query.get("timeoutSeconds") or 1800)
        bookmarks = self.ask.flag("allowWatchBookmarks")
        while True:
            if backlog:
                change = backlog.pop(0)
            else:
                left = until - self.clock.monotonic()
                if left <= 0:
                    return
                try:
                    change = await asyncio.wait_for(queue.get(), min(left, BOOKMARK_S))
                except TimeoutError:
                    if bookmarks:
                        yield self._bookmark({})
                    continue
            line = self._told(change)
            if line is not None:
                yield line

    def _told(self, change: Change) -> bytes | None:
        """The line for a change, as far as this watch's selectors go."""
        body, ask = change.body, self.ask
        if change.resource != ask.resource.key:
            return None
        if ask.namespace and body["metadata"].get("namespace") != ask.namespace:
            return None
        uid, fits = body["metadata"]["uid"], wanted(body, self.labels, self.fields, ask.resource.key)
        if change.kind == "DELETED" or not fits:
            if uid not in self.seen and not (change.kind == "DELETED" and fits):
                return None
            self.seen.discard(uid)
            return self._line("DELETED", body)
        kind = "MODIFIED" if uid in self.seen and change.kind != "ADDED" else "ADDED"
        self.seen.add(uid)
        return self._line(kind, body)

    def _line(self, kind: str, body: Json) -> bytes:
        if self.ask.table:
            return _json(kind, self.rows.as_table(self.ask, [body]))
        return _json(kind, partial(body) if self.ask.metadata_only else shown_as(self.ask.resource, body))

    def _bookmark(self, annotations: dict[str, str]) -> bytes:
        metadata: Json = {"resourceVersion": str(self.store.version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        resource = self.ask.resource
        return _json("BOOKMARK", {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata})


def _json(kind: str, body: Any) -> bytes:
    return json.dumps({"type": kind, "object": body}, separators=(",", ":")).encode() + b"\n"
