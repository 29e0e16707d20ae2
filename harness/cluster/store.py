"""The cluster's objects: what a kube-apiserver keeps in etcd, in memory."""

from __future__ import annotations

import asyncio
import copy
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from harness.cluster.manifests.documents import Json
from harness.core.clock import Clock

WATCH_WINDOW = 4096  # changes kept for a watch that begins at an older resourceVersion


class Conflict(Exception):
    """The object exists already, or was changed by somebody else meanwhile."""


class NotFound(Exception):
    """There is no such object."""


class Expired(Exception):
    """A watch asks for changes that are no longer kept (410 Gone)."""


@dataclass(frozen=True)
class Change:
    """One change: ADDED, MODIFIED or DELETED, and the object as of then."""

    kind: str
    resource: str
    version: int
    body: Json


@dataclass
class Store:
    """Objects by resource (plural name), namespace and name. Every change has a resourceVersion of its own."""

    clock: Clock
    rng_uuid: Callable[[], str] = lambda: str(uuid.uuid4())
    version: int = 1
    _objects: dict[str, dict[tuple[str, str], Json]] = field(default_factory=dict)
    _changes: deque[Change] = field(default_factory=lambda: deque(maxlen=WATCH_WINDOW))
    _listeners: set[asyncio.Queue[Change]] = field(default_factory=set)

    def now(self) -> str:
        """The time as Kubernetes writes it."""
        return self.clock.wall().strftime("%Y-%m-%dT%H:%M:%SZ")

    def get(self, resource: str, namespace: str, name: str) -> Json:
        """The object itself, to read. Raises NotFound."""
        try:
            return self._objects[resource][namespace, name]
        except KeyError:
            raise NotFound(f'{resource} "{name}" not found') from None

    def find(self, resource: str, namespace: str, name: str) -> Json | None:
        """The object, or None."""
        return self._objects.get(resource, {}).get((namespace, name))

    def list(self, resource: str, namespace: str | None = None) -> list[Json]:
        """Every object of a resource, in one namespace or in all, by name."""
        rows = self._objects.get(resource, {})
        return [body for (space, _), body in sorted(rows.items()) if namespace in (None, "", space)]

    def create(self, resource: str, body: Json) -> Json:
        """Add an object; fills uid, creationTimestamp and resourceVersion. Raises Conflict when it exists."""
        metadata = body.setdefault("metadata", {})
        if "name" not in metadata and "generateName" in metadata:
            metadata["name"] = metadata["generateName"] + self.rng_uuid().replace("-", "")[:5]
        key = (metadata.get("namespace", ""), metadata["name"])
        if key in self._objects.get(resource, {}):
            raise Conflict(f'{resource} "{key[1]}" already exists')
        metadata.setdefault("uid", self.rng_uuid())
        metadata.setdefault("creationTimestamp", self.now())
        self._objects.setdefault(resource, {})[key] = body
        self._changed("ADDED", resource, body)
        return body

    def update(self, resource: str, namespace: str, name: str, change: Callable[[Json], None]) -> Json:
        """Apply `change` to a copy and keep it; a change that changes nothing is no change. Raises NotFound."""
        old = self.get(resource, namespace, name)
        new = copy.deepcopy(old)
        change(new)
        if new == old:
            return old
        if {k: v for k, v in new.items() if k not in ("status", "metadata")} != {
            k: v for k, v in old.items() if k not in ("status", "metadata")
        } and "generation" in new["metadata"]:
            new["metadata"]["generation"] += 1
        self._objects[resource][namespace, name] = new
        self._changed("MODIFIED", resource, new)
        return new

    def delete(self, resource: str, namespace: str, name: str) -> Json:
        """Take an object away. Raises NotFound."""
        body = self.get(resource, namespace, name)
        del self._objects[resource][namespace, name]
        self._changed("DELETED", resource, copy.deepcopy(body))
        return body

    def _changed(self, kind: str, resource: str, body: Json) -> None:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        change = Change(kind, resource, self.version, copy.deepcopy(body))
        self._changes.append(change)
        for queue in self._listeners:
            queue.put_nowait(change)

    def since(self, version: int) -> Iterator[Change]:
        """The changes after `version`. Raises Expired when some of them are no longer kept."""
        if self._changes and version < self._changes[0].version - 1:
            raise Expired(f"too old resource version: {version} ({self._changes[0].version})")
        return iter([change for change in self._changes if change.version > version])

    def subscribe(self) -> asyncio.Queue[Change]:
        """A queue that gets every change from now on; give it back to `unsubscribe`."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._listeners.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Change]) -> None:
        self._listeners.discard(queue)
