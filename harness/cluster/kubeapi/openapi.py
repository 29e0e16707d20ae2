"""OpenAPI v3 of each group: every kind with its fields for `kubectl explain`, and enough of the paths for kubectl.

kubectl asks one thing of these before `apply` and `create`: does a PATCH of this kind take `fieldValidation`? If so it
leaves validation to the server, which is us.
"""

from __future__ import annotations

from harness.cluster.kubeapi.schemas import REF, name_of, reachable, schema_of
from harness.cluster.manifests.documents import Json
from harness.cluster.resources import Catalogue, Resource


def index(catalogue: Catalogue) -> Json:
    """/openapi/v3: where each group's document is."""
    paths = {_root(r).lstrip("/") for r in catalogue}
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash=2"} for path in sorted(paths)}}


def document(catalogue: Catalogue, path: str) -> Json | None:
    """/openapi/v3/<path>: the document of one group and version; None when there is no such group."""
    mine = [resource for resource in catalogue if _root(resource).lstrip("/") == path]
    if not mine:
        return None
    described = reachable([name_of(resource) for resource in mine if not resource.custom])
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.32.0"},
        "paths": {_object(resource): _operations(resource) for resource in mine},
        "components": {"schemas": {**described, **{_schema(resource): _described(resource) for resource in mine}}},
    }


def _root(resource: Resource) -> str:
    return f"/apis/{resource.api_version}" if resource.group else f"/api/{resource.version}"


def _object(resource: Resource) -> str:
    space = "/namespaces/{namespace}" if resource.namespaced else ""
    return f"{_root(resource)}{space}/{resource.plural}/{{name}}"


def _schema(resource: Resource) -> str:
    return f"windtunnel.{resource.group or 'core'}.{resource.version}.{resource.kind}"


def _gvk(resource: Resource) -> Json:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _described(resource: Resource) -> Json:
    known = schema_of(resource) or {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    if resource.custom and "properties" in known:
        meta = {"type": "object", "description": "Standard object's metadata."}
        head = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": meta}
        known = {**known, "properties": {**head, **known["properties"]}}
    return {**known, "x-kubernetes-group-version-kind": [_gvk(resource)]}


def _operations(resource: Resource) -> Json:
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]
    content = {"schema": {"$ref": f"{REF}{_schema(resource)}"}}
    return {
        verb: {
            "parameters": parameters if verb != "get" else [],
            "responses": {"200": {"description": "OK", "content": {"application/json": content}}},
            "x-kubernetes-action": verb,
            "x-kubernetes-group-version-kind": _gvk(resource),
        }
        for verb in ("get", "put", "patch", "delete")
    }
