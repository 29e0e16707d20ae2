"""Changing objects: create, replace, patch, apply, delete."""

from __future__ import annotations

import copy
import uuid
from typing import Any

from starlette.responses import Response

from harness.cluster.admission import beyond, mistake, prepared
from harness.cluster.cluster import LocalCluster
from harness.cluster.kubeapi.answers import (
    already_exists,
    answer,
    conflict,
    invalid,
    not_found,
    status,
    success,
    unsupported,
)
from harness.cluster.kubeapi.apply import FieldConflict, applied
from harness.cluster.kubeapi.fields import Fields
from harness.cluster.kubeapi.managers import manager_of, updated
from harness.cluster.kubeapi.patches import APPLY, patched
from harness.cluster.kubeapi.request import Ask, BadRequest
from harness.cluster.kubeapi.rows import Rows
from harness.cluster.kubeapi.versions import kept_as, shown_as
from harness.cluster.manifests.documents import Json
from harness.cluster.store import NotFound

_OURS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


class Writing:
    """Changes the cluster's objects, and lets the cluster follow."""

    def __init__(self, cluster: LocalCluster, rows: Rows) -> None:
        self.cluster, self.store, self.rows = cluster, cluster.store, rows

    # -- create --------------------------------------------------------------------------------------

    async def create(self, ask: Ask) -> Response:
        """POST of a collection."""
        return await self.make(ask, await ask.body())

    async def make(self, ask: Ask, body: Any) -> Response:
        """Keep the new object `body`, with what Kubernetes fills in."""
        resource = ask.resource
        wrong = self._unfit(ask, body)
        if wrong is not None:
            return wrong
        fields = Fields.of(resource, body)
        if _refused(ask, fields):
            return _refusal(ask, fields)
        metadata = body.setdefault("metadata", {})
        for key in ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"):
            metadata.pop(key, None)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + self.cluster.runtime.letters(5)
        if not metadata.get("name"):
            return invalid(resource, "", "metadata.name: Required value: name or generateName is required")
        namespace = ask.namespace if resource.namespaced else ""
        if resource.namespaced:
            if metadata.get("namespace", namespace) != namespace:
                return status(400, "the namespace of the provided object does not match the namespace of the request")
            metadata["namespace"] = namespace
            space = self.store.find("namespaces", "", namespace)
            if space is None:
                return status(
                    404, f'namespaces "{namespace}" not found', details={"name": namespace, "kind": "namespaces"}
                )
            if "deletionTimestamp" in space["metadata"]:
                text = f"unable to create new content in namespace {namespace} because it is being terminated"
                return status(
                    403, f'{resource.full_name} "{metadata["name"]}" is forbidden: {text}', reason="Forbidden"
                )
        body = kept_as(resource, body)
        metadata = body["metadata"]
        if beyond(resource.key, body):
            return unsupported(beyond(resource.key, body))
        if mistake(resource.key, body):
            return invalid(resource, metadata["name"], mistake(resource.key, body))
        if self.store.find(resource.key, namespace, metadata["name"]) is not None:
            return already_exists(resource, metadata["name"])
        prepared(resource.key, body)
        if not self._is_apply(ask):
            metadata.pop("managedFields", None)
            rows = updated(None, body, manager=manager_of(ask), sub="", now=self.store.now())
            metadata["managedFields"] = rows
        if ask.dry:
            metadata.update(uid=str(uuid.uuid4()), creationTimestamp=self.store.now())
            return _warned(ask, fields, self.rows.shown(ask, body, 201))
        if resource.key == "namespaces":
            made = self.cluster.objects.make_namespace(body)
        else:
            made = self.store.create(resource.key, body)
        made = copy.deepcopy(made)
        await self.cluster.applied(resource.key, self.store.get(resource.key, namespace, metadata["name"]))
        return _warned(ask, fields, self.rows.shown(ask, made, 201))

    @staticmethod
    def _is_apply(ask: Ask) -> bool:
        return ask.method == "PATCH" and ask.content_type == APPLY

    def _unfit(self, ask: Ask, body: Any) -> Response | None:
        """Fill in kind and apiVersion, or say why the body is not what the path is for."""
        resource = ask.resource
        if not isinstance(body, dict):
            raise BadRequest("the body is not an object")
        if body.get("kind", resource.kind) != resource.kind:
            return status(
                400, f"{body['kind']} in version {body.get('apiVersion')!r} cannot be handled as a {resource.kind}"
            )
        if body.get("apiVersion", resource.api_version) != resource.api_version:
            text = f"the API version in the data ({body['apiVersion']}) does not match the expected API version"
            return status(400, f"{text} ({resource.api_version})")
        body["kind"], body["apiVersion"] = resource.kind, resource.api_version
        if not isinstance(body.get("metadata", {}), dict):
            raise BadRequest("metadata is not an object")
        return None

    # -- change --------------------------------------------------------------------------------------

    async def change(self, ask: Ask) -> Response:
        """PUT or PATCH of an object, or of its status."""
        if self._is_apply(ask):
            return await self._apply(ask)
        sent = await ask.body()
        old = self.store.find(ask.resource.key, ask.namespace, ask.name)
        if old is None:
            return not_found(ask.resource, ask.name)
        old = shown_as(ask.resource, old)
        if ask.method == "PUT":
            wrong = self._unfit(ask, sent)
            if wrong is not None:
                return wrong
            if sent.get("metadata", {}).get("name", ask.name) != ask.name:
                return status(400, "the name of the object does not match the name on the URL")
            new: Json | None = copy.deepcopy(sent)
        else:
            try:
                new = patched(ask.content_type, ask.resource, old, sent)
            except ValueError as error:
                return status(422, f"the server rejected our request due to an error in our request: {error}")
        if new is None:
            return status(415, f"the body of the request was in an unknown format - {ask.content_type}")
        version = (sent.get("metadata") or {}).get("resourceVersion") if isinstance(sent, dict) else None
        if version and version != old["metadata"]["resourceVersion"]:
            why = "the object has been modified; please apply your changes to the latest version and try again"
            return conflict(ask.resource, ask.name, why)
        return await self._keep(ask, old, new)

    async def _apply(self, ask: Ask) -> Response:
        sent = await ask.body()
        manager = ask.query.get("fieldManager")
        if not manager:
            return status(400, "PatchOptions is invalid: fieldManager: Required value: is required for apply patch")
        wrong = self._unfit(ask, sent)
        if wrong is not None:
            return wrong
        sent.setdefault("metadata", {})["name"] = ask.name
        old = self.store.find(ask.resource.key, ask.namespace, ask.name)
        force = ask.flag("force")
        try:
            new = applied(old, sent, manager=manager, force=force, now=self.store.now())
        except FieldConflict as error:
            return status(409, str(error), details={"causes": error.causes})
        return await (self.make(ask, new) if old is None else self._keep(ask, old, new))

    async def _keep(self, ask: Ask, old: Json, new: Json) -> Response:
        resource, old = ask.resource, self.store.get(ask.resource.key, ask.namespace, ask.name)
        # A patch shares with the old object what it does not touch.
        new = kept_as(resource, copy.deepcopy({**new, "apiVersion": resource.api_version}))
        fields = Fields.of(resource, new)
        fields.unknown = [
            path for path in fields.unknown if path not in Fields.of(resource, copy.deepcopy(old)).unknown
        ]
        if _refused(ask, fields):
            return _refusal(ask, fields)
        metadata = new.setdefault("metadata", {})
        metadata.update(name=ask.name, resourceVersion=old["metadata"]["resourceVersion"])
        if resource.namespaced:
            metadata["namespace"] = ask.namespace
        for key in _OURS:
            metadata.pop(key, None)
            if key in old["metadata"]:
                metadata[key] = old["metadata"][key]
        new["kind"] = resource.kind
        if ask.sub == "status":
            new = {**old, "status": new.get("status", {})}
        elif resource.status:
            new = {key: value for key, value in new.items() if key != "status"}
            if "status" in old:
                new["status"] = old["status"]
        if ask.sub != "status":
            prepared(resource.key, new)
            wrong = mistake(resource.key, new) or _fixed(resource.key, old, new)
            if wrong:
                return invalid(resource, ask.name, wrong)
        if not self._is_apply(ask):
            rows = updated(old, new, manager=manager_of(ask), sub=ask.sub, now=self.store.now())
            new["metadata"] = {**new["metadata"], "managedFields": rows}
        if ask.dry:
            return _warned(ask, fields, self.rows.shown(ask, new))

        def put(body: Json) -> None:
            body.clear()
            body.update(copy.deepcopy(new))

        changed = copy.deepcopy(self.store.update(resource.key, ask.namespace, ask.name, put))
        if not self.cluster.objects.released(resource.key, changed) and ask.sub != "status":
            await self.cluster.applied(resource.key, self.store.get(resource.key, ask.namespace, ask.name))
        return _warned(ask, fields, self.rows.shown(ask, changed))

    # -- delete --------------------------------------------------------------------------------------

    async def delete(self, ask: Ask) -> Response:
        """DELETE of an object."""
        options = await ask.options()
        body = self.store.find(ask.resource.key, ask.namespace, ask.name)
        if body is None:
            return not_found(ask.resource, ask.name)
        for key, value in (options.get("preconditions") or {}).items():
            if value is not None and body["metadata"].get(key) != value:
                why = (
                    f"Precondition failed: {key} in precondition: {value}, in object meta: {body['metadata'].get(key)}"
                )
                return conflict(ask.resource, ask.name, why)
        uid = body["metadata"]["uid"]
        if ask.dry or "All" in (options.get("dryRun") or ()):
            return success(ask.resource, ask.name, uid)
        gone = self._take(ask, body, options)
        self.cluster.reconcile()
        if "deletionTimestamp" in gone["metadata"] or ask.resource.key == "pods":
            return self.rows.shown(ask, gone)  # it is on its way; for a pod clients expect it always
        return success(ask.resource, ask.name, uid)

    async def delete_all(self, ask: Ask) -> Response:
        """DELETE of a collection, or of what its selectors choose."""
        options = await ask.options()
        bodies = self.rows.chosen(ask)
        if not ask.dry and "All" not in (options.get("dryRun") or ()):
            for body in bodies:
                try:
                    self._take(ask, body, options)
                except NotFound:
                    continue  # it went with its owner
            self.cluster.reconcile()
        head = {"kind": f"{ask.resource.kind}List", "apiVersion": ask.resource.api_version}
        return answer({**head, "metadata": {"resourceVersion": str(self.store.version)}, "items": bodies})

    def _take(self, ask: Ask, body: Json, options: Json) -> Json:
        grace = options.get("gracePeriodSeconds")
        orphan = options.get("propagationPolicy") == "Orphan" or str(options.get("orphanDependents")).lower() == "true"
        metadata = body["metadata"]
        return self.cluster.objects.delete(
            ask.resource.key,
            metadata.get("namespace", ""),
            metadata["name"],
            grace_s=None if grace is None else float(grace),
            orphan=orphan,
            foreground=options.get("propagationPolicy") == "Foreground",
        )


def _refused(ask: Ask, fields: Fields) -> bool:
    return bool(fields.wrong) or (bool(fields.unknown) and ask.query.get("fieldValidation") == "Strict")


def _refusal(ask: Ask, fields: Fields) -> Response:
    resource = ask.resource
    why = fields.wrong or "strict decoding error: " + ", ".join(f'unknown field "{path}"' for path in fields.unknown)
    return status(400, f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {why}')


def _warned(ask: Ask, fields: Fields, answered: Response) -> Response:
    """The answer, with a warning of each field that its kind does not have."""
    if ask.query.get("fieldValidation") != "Ignore":
        for path in fields.unknown:
            answered.headers.append("warning", f'299 - "unknown field \\"{path}\\""')
    return answered


def _fixed(key: str, old: Json, new: Json) -> str:
    """What may never change and would; empty when nothing does."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    selective = key in ("deployments", "replicasets", "statefulsets", "daemonsets", "jobs")
    if selective and before.get("selector") != after.get("selector"):
        return "spec.selector: Invalid value: field is immutable"
    if key == "pods":
        names = [[c.get("name") for c in spec.get("containers") or ()] for spec in (before, after)]
        if names[0] != names[1]:
            return "spec.containers: Forbidden: pod updates may not add or remove containers"
    if key in ("configmaps", "secrets") and old.get("immutable") and old.get("data") != new.get("data"):
        return "data: Forbidden: field is immutable when `immutable` is set"
    return ""
