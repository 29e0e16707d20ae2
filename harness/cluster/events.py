"""Events: what happened to an object, as `kubectl describe` and `kubectl get events` show it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.cluster.manifests.documents import Json
from harness.cluster.store import NotFound, Store

KEPT = 500
_Told = tuple[str, str, str, str]  # uid, type, reason, message


@dataclass
class Events:
    """Records events; what is told again is counted, and beyond KEPT the oldest go. `letters` draws a name's end."""

    store: Store
    letters: Callable[[int], str]
    _names: OrderedDict[_Told, tuple[str, str]] = field(default_factory=OrderedDict)

    def record(self, about: Json, kind: str, reason: str, message: str, component: str, host: str = "") -> None:
        """Note what happened to the object `about`; `kind` is Normal or Warning."""
        metadata, now = about["metadata"], self.store.now()
        told = (str(metadata.get("uid", "")), kind, reason, message)
        if told in self._names:
            try:
                self.store.update("events", *self._names[told], lambda body: _again(body, now))
            except NotFound:
                del self._names[told]  # somebody deleted it, or it went with its namespace
            else:
                return
        space = metadata.get("namespace") or "default"
        name = f"{metadata['name']}.{self.letters(10)}"
        body: Json = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": space},
            "involvedObject": {
                "apiVersion": about.get("apiVersion", "v1"),
                "kind": about.get("kind", "Pod"),
                "name": metadata["name"],
                "namespace": metadata.get("namespace", ""),
                "uid": metadata.get("uid", ""),
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": None,
            "source": {"component": component, **({"host": host} if host else {})},
            "reportingComponent": component,
            "reportingInstance": host,
        }
        self.store.create("events", body)
        self._names[told] = (space, name)
        while len(self._names) > KEPT:
            _, (old_space, old_name) = self._names.popitem(last=False)
            try:
                self.store.delete("events", old_space, old_name)
            except NotFound:
                pass  # it is gone already


def _again(body: Json, now: str) -> None:
    body["count"] = int(body.get("count") or 1) + 1
    body["lastTimestamp"] = now
