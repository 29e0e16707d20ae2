"""The kind `controller`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from harness.cluster.admission import WORKLOADS
from harness.cluster.manifests.documents import Json
from harness.cluster.pods import ALPHABET, Pods, owner_reference, owner_uid
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.selectors import matches
from harness.cluster.store import NotFound, Store


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

    def each(self, plural: str, act: Callable[[Json], None]) -> None:
        """Do `act` with every object of a kind. One that cannot be done is told of in an event; the others go on."""
        for body in self.store.list(plural):
            if "deletionTimestamp" in body["metadata"] and plural in WORKLOADS:
                continue  # it waits for what it owns to go, and makes no more
            try:
                act(body)
            except NotFound:
                pass  # it went meanwhile
            except Exception as error:
                about = {"kind": plural[:-1].capitalize(), **body}
                text = f"{type(error).__name__}: {error}"
                self.pods.events.record(about, "Warning", "FailedSync", text, "windtunnel")

    def tell(self, about: Json, reason: str, message: str, component: str) -> None:
        """Record an ordinary event about an object."""
        self.pods.events.record(about, "Normal", reason, message, component)

    def claim(self, owner: Json) -> list[PodRuntime]:
        """The owner's pods, after it took those that its selector chooses and nobody owns, and let go of those that
        it chooses no longer; as a ReplicaSet does after `kubectl label pod`, or when one was orphaned."""
        metadata, selector = owner["metadata"], owner["spec"].get("selector")
        if selector:
            for key, pod in list(self.pods.running.items()):
                if pod.terminating or pod.body["metadata"]["namespace"] != metadata["namespace"]:
                    continue
                mine, chosen = owner_uid(pod.body), matches(selector, pod.body["metadata"].get("labels"))
                if chosen and not mine:
                    self.pods.own(key, [owner_reference(owner)])
                elif mine == metadata["uid"] and not chosen:
                    self.pods.own(key, [])
        return self.pods.of_owner(owner)

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


def seconds_between(earlier: str, later: str) -> float:
    """From one timestamp of an object to another."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
