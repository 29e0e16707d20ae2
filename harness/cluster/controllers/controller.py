"""The kind `controller`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Protocol

from harness.cluster.manifests.documents import Json
from harness.cluster.pods import ALPHABET, Pods
from harness.cluster.store import Store


class Controller(Protocol):
    """Brings pods in line with one kind of object. Both are called after every change of anything."""

    def reconcile(self) -> None:
        """Start pods that are missing, end those that are too many."""

    def report(self) -> None:
        """Write each object's status."""


@dataclass
class Owned:
    """What every controller works on."""

    store: Store
    pods: Pods

    def set_status(self, plural: str, body: Json, status: Json) -> None:
        """Replace the status of an object."""
        metadata = body["metadata"]
        self.store.update(plural, metadata["namespace"], metadata["name"], lambda b: b.update(status=status))


def template_hash(template: Json) -> str:
    """Ten letters that name a pod template, as the pod-template-hash label does."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()
    return "".join(ALPHABET[int(digest[i : i + 2], 16) % len(ALPHABET)] for i in range(0, 20, 2))


def template_labels(template: Json) -> dict[str, str]:
    """The labels of a template's pods."""
    return dict((template.get("metadata") or {}).get("labels") or {})


def condition(kind: str, good: bool, reason: str, message: str, *, before: Json | None, now: str) -> Json:
    """One condition of a status; its transition time stays while its value does. `before` is the old status."""
    value = "True" if good else "False"
    old = next((c for c in (before or {}).get("conditions") or () if c["type"] == kind), None)
    since = old["lastTransitionTime"] if old and old["status"] == value else now
    row = {"type": kind, "status": value, "reason": reason, "message": message}
    return {**row, "lastTransitionTime": since, "lastUpdateTime": since}
