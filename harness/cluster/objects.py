"""Deleting: finalizers, owners and what they own, namespaces and what is in them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.cluster.admission import prepared
from harness.cluster.manifests.documents import Json
from harness.cluster.pods import Pods
from harness.cluster.resources import Catalogue
from harness.cluster.store import NotFound, Store

FOREGROUND = "foregroundDeletion"


@dataclass
class Objects:
    """Takes objects away as an API server does. `gone(key, body)` is called for each that is."""

    store: Store
    pods: Pods
    catalogue: Catalogue
    gone: Callable[[str, Json], None]
    _waiting: set[tuple[str, str, str]] = field(default_factory=set)  # owners that wait for what they own to go

    def delete(
        self,
        key: str,
        namespace: str,
        name: str,
        *,
        grace_s: float | None = None,
        orphan: bool = False,
        foreground: bool = False,
    ) -> Json:
        """Delete an object and, unless `orphan`, what it owns (before it, if `foreground`); returns it as it was.
        Raises NotFound.

        A pod goes when its process has ended, an object with finalizers when the last of them is taken off, a
        namespace when it is empty.
        """
        body = self.store.get(key, namespace, name)
        if key == "pods" and self.pods.find(namespace, name) is not None:
            return self.pods.delete(namespace, name, grace_s)
        if key == "namespaces":
            return self._empty(body)
        if foreground and self._owned_by(body["metadata"]["uid"]):
            return self._foreground(key, body)
        if body["metadata"].get("finalizers"):
            return self._mark(key, body)
        return self._remove(key, body, orphan)

    def released(self, key: str, body: Json) -> bool:
        """Take the object away if it is marked as deleted and its last finalizer is off; tells whether it did."""
        metadata = body["metadata"]
        if "deletionTimestamp" not in metadata or metadata.get("finalizers") or key in ("pods", "namespaces"):
            return False
        self._remove(key, body, orphan=False)
        return True

    def _foreground(self, key: str, body: Json) -> Json:
        metadata = body["metadata"]
        place = (metadata.get("namespace", ""), metadata["name"])

        def hold(new: Json) -> None:
            held = new["metadata"].setdefault("finalizers", [])
            if FOREGROUND not in held:
                held.append(FOREGROUND)

        self.store.update(key, *place, hold)
        marked = self._mark(key, self.store.get(key, *place))
        self._waiting.add((key, *place))
        for other, owned in self._owned_by(metadata["uid"]):
            try:
                self.delete(other, owned["metadata"].get("namespace", ""), owned["metadata"]["name"], foreground=True)
            except NotFound:
                pass  # it went with another
        return marked

    def _owned_by(self, uid: str) -> list[tuple[str, Json]]:
        """What belongs to an owner and to nobody else."""
        found = []
        for key in sorted({resource.key for resource in self.catalogue}):
            for body in self.store.list(key):
                owners = body["metadata"].get("ownerReferences") or ()
                if owners and all(reference.get("uid") == uid for reference in owners):
                    found.append((key, body))
        return found

    def _release(self) -> None:
        """Let owners go whose dependents are gone."""
        for key, space, name in sorted(self._waiting, reverse=True):  # ReplicaSets before their Deployments
            body = self.store.find(key, space, name)
            if body is not None and self._owned_by(body["metadata"]["uid"]):
                continue
            self._waiting.discard((key, space, name))
            if body is not None:
                left = [f for f in body["metadata"].get("finalizers") or () if f != FOREGROUND]
                new = self.store.update(key, space, name, lambda b, left=left: b["metadata"].update(finalizers=left))  # type: ignore[misc]
                self.released(key, new)

    def sweep(self) -> None:
        """Finish the deletion of owners whose dependents are gone, and of namespaces that are empty by now."""
        self._release()
        for body in self.store.list("namespaces"):
            if "deletionTimestamp" not in body["metadata"]:
                continue
            left = self._inside(body["metadata"]["name"])
            if all(key == "events" for key, _ in left):  # those of the pods' end came after everything was deleted
                for key, event in left:
                    self.store.delete(key, event["metadata"]["namespace"], event["metadata"]["name"])
                self._remove("namespaces", body, orphan=False)

    def make_namespace(self, body: Json) -> Json:
        """Keep a new namespace, with what every one has. Raises Conflict."""
        made = self.store.create("namespaces", prepared("namespaces", body))
        space = made["metadata"]["name"]
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": space}}
        ca = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "kube-root-ca.crt", "namespace": space},
            "data": {"ca.crt": ""},
        }
        self.store.create("serviceaccounts", account)
        self.store.create("configmaps", ca)
        return made

    def _inside(self, space: str) -> list[tuple[str, Json]]:
        keys = {resource.key for resource in self.catalogue if resource.namespaced}
        return [(key, body) for key in sorted(keys) for body in self.store.list(key, space)]

    def _empty(self, namespace: Json) -> Json:
        def terminate(body: Json) -> None:
            body["metadata"].setdefault("deletionTimestamp", self.store.now())
            body["status"] = {**(body.get("status") or {}), "phase": "Terminating"}

        space = namespace["metadata"]["name"]
        marked = self.store.update("namespaces", "", space, terminate)
        for key, body in self._inside(space):
            try:
                self.delete(key, space, body["metadata"]["name"])
            except NotFound:
                pass  # it went with its owner
        self.sweep()
        return copy.deepcopy(marked)

    def _mark(self, key: str, body: Json) -> Json:
        def mark(new: Json) -> None:
            new["metadata"].setdefault("deletionTimestamp", self.store.now())
            new["metadata"].setdefault("deletionGracePeriodSeconds", 0)

        return self.store.update(key, body["metadata"].get("namespace", ""), body["metadata"]["name"], mark)

    def _remove(self, key: str, body: Json, orphan: bool) -> Json:
        metadata = body["metadata"]
        gone = self.store.delete(key, metadata.get("namespace", ""), metadata["name"])
        self._dependents(gone, orphan)
        self.gone(key, gone)
        return gone

    def _dependents(self, owner: Json, orphan: bool) -> None:
        uid = owner["metadata"]["uid"]
        for key in {resource.key for resource in self.catalogue}:
            for body in self.store.list(key):
                metadata = body["metadata"]
                owners = metadata.get("ownerReferences") or []
                if not any(reference.get("uid") == uid for reference in owners):
                    continue
                others = [reference for reference in owners if reference.get("uid") != uid]
                if others or orphan:
                    space, name = metadata.get("namespace", ""), metadata["name"]
                    self.store.update(key, space, name, lambda b, o=others: b["metadata"].update(ownerReferences=o))  # type: ignore[misc]
                    pod = self.pods.find(space, name) if key == "pods" else None
                    if pod is not None:
                        pod.body["metadata"]["ownerReferences"] = others
                else:
                    self.delete(key, metadata.get("namespace", ""), metadata["name"])
