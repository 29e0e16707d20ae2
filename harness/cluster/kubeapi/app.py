"""The API server: paths to objects, verbs to changes, changes to processes."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from harness.cluster.cluster import LocalCluster, prepared
from harness.cluster.kubeapi import discovery, openapi
from harness.cluster.kubeapi.answers import not_found, status, success, unsupported
from harness.cluster.kubeapi.tables import table
from harness.cluster.manifests.documents import Json
from harness.cluster.manifests.merge import json_patch, strategic_merge
from harness.cluster.resources import BY_PATH, Resource
from harness.cluster.selectors import field_query, label_query
from harness.cluster.store import Conflict, Expired, NotFound


class KubeApi:
    """An ASGI application over a cluster. `handle` answers every path that Kubernetes has."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.cluster = cluster
        self.store = cluster.store

    async def handle(self, request: Request) -> Response:
        """Answer one request; what is not supported says so with 501."""
        parts = [part for part in request.url.path.split("/") if part]
        try:
            return await self._route(request, parts)
        except NotFound as error:
            return status(404, str(error))
        except Conflict as error:
            return status(409, str(error))
        except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
            return status(400, f"{type(error).__name__}: {error}")

    async def _route(self, request: Request, parts: list[str]) -> Response:
        match parts:
            case ["version"]:
                return JSONResponse(discovery.VERSION)
            case ["healthz" | "livez" | "readyz"]:
                return PlainTextResponse("ok")
            case ["api"]:
                return JSONResponse(discovery.api_versions())
            case ["apis"]:
                return JSONResponse(discovery.group_list())
            case ["apis", group]:
                found = [g for g in discovery.group_list()["groups"] if g["name"] == group]
                return JSONResponse(found[0]) if found else status(404, f"no group {group}")
            case ["openapi", "v3"]:
                return JSONResponse(openapi.index())
            case ["openapi", "v3", *path]:
                described = openapi.document("/".join(path))
                return JSONResponse(described) if described else status(404, f"no group {'/'.join(path)}")
            case ["api", version, *rest]:
                return await self._group("", version, rest, request)
            case ["apis", group, version, *rest]:
                return await self._group(group, version, rest, request)
        return status(404, "the server could not find the requested resource")

    async def _group(self, group: str, version: str, rest: list[str], request: Request) -> Response:
        if not rest:
            listed = discovery.resource_list(group, version)
            return JSONResponse(listed) if listed else status(404, "the server could not find the requested resource")
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        resource = BY_PATH.get((group, version, rest[0]))
        if resource is None:
            return unsupported(f"{rest[0]}.{group}/{version}" if group else rest[0])
        if len(rest) == 1:
            return await self._collection(resource, namespace, request)
        if len(rest) == 2:
            return await self._object(resource, namespace, rest[1], request)
        return await self._sub(resource, namespace, rest[1], "/".join(rest[2:]), request)

    # -- collections ---------------------------------------------------------------------------------

    async def _collection(self, resource: Resource, namespace: str, request: Request) -> Response:
        query = request.query_params
        if request.method == "POST":
            return await self._create(resource, namespace, request)
        if request.method == "DELETE":
            for body in self._selected(resource, namespace, query.get("labelSelector"), query.get("fieldSelector")):
                self._delete(resource, body["metadata"].get("namespace", ""), body["metadata"]["name"], None)
            self.cluster.reconcile()
            return JSONResponse({"kind": "Status", "apiVersion": "v1", "status": "Success", "metadata": {}})
        if request.method != "GET":
            return unsupported(f"{request.method} on {resource.plural}")
        if query.get("watch") in ("true", "1"):
            return self._watch(resource, namespace, request)
        bodies = self._selected(resource, namespace, query.get("labelSelector"), query.get("fieldSelector"))
        if _wants_table(request):
            return JSONResponse(table(resource.plural, bodies, self.store.version, self.cluster.clock.wall()))
        return JSONResponse(
            {
                "kind": f"{resource.kind}List",
                "apiVersion": resource.api_version,
                "metadata": {"resourceVersion": str(self.store.version)},
                "items": bodies,
            }
        )

    def _selected(self, resource: Resource, namespace: str, labels: str | None, fields: str | None) -> list[Json]:
        rows = self._rows(resource, namespace)
        return [
            body
            for body in rows
            if (not labels or label_query(labels, body["metadata"].get("labels")))
            and (not fields or field_query(fields, body))
        ]

    def _rows(self, resource: Resource, namespace: str) -> list[Json]:
        if resource.plural == "endpoints":
            return [self._endpoints(body) for body in self.store.list("services", namespace or None)]
        return self.store.list(resource.plural, namespace or None)

    def _endpoints(self, service: Json) -> Json:
        ready, unready = self.cluster.network.endpoints(service)

        def addresses(pods: Any) -> list[Json]:
            return [
                {
                    "ip": "127.0.0.1",
                    "targetRef": {
                        "kind": "Pod",
                        "name": pod.name,
                        "namespace": pod.body["metadata"]["namespace"],
                    },
                }
                for pod in pods
            ]

        ports = [
            {"name": p.get("name", ""), "port": int(p["port"]), "protocol": "TCP"}
            for p in service["spec"].get("ports") or ()
        ]
        subset: Json = {
            "addresses": addresses(ready),
            "notReadyAddresses": addresses(unready),
            "ports": ports,
        }
        subset = {key: value for key, value in subset.items() if value}
        return {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {
                key: service["metadata"][key]
                for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
            },
            "subsets": [subset] if ready or unready else [],
        }

    async def _create(self, resource: Resource, namespace: str, request: Request) -> Response:
        body = await _body(request)
        if body.get("kind") not in (None, resource.kind):
            return status(400, f"the body is a {body.get('kind')}, not a {resource.kind}")
        body.setdefault("kind", resource.kind)
        body.setdefault("apiVersion", resource.api_version)
        metadata = body.setdefault("metadata", {})
        if not metadata.get("name") and not metadata.get("generateName"):
            return status(
                422,
                f"{resource.kind} is invalid: metadata.name: Required value: name or generateName is required",
            )
        if resource.namespaced:
            if metadata.get("namespace", namespace) != namespace:
                return status(400, "the namespace of the object does not match the namespace of the request")
            metadata["namespace"] = namespace
            if self.store.find("namespaces", "", namespace) is None:
                return not_found("namespaces", namespace)
        if resource.plural == "replicasets":
            return unsupported("making a ReplicaSet without a Deployment")
        wrong = self.cluster.mistake(resource.plural, body)
        if wrong:
            return status(422, f'{resource.kind} "{metadata.get("name", "")}" is invalid: {wrong}')
        if metadata.get("name") and self.store.find(resource.plural, metadata.get("namespace", ""), metadata["name"]):
            return status(
                409,
                f'{resource.plural} "{metadata["name"]}" already exists',
                details={"name": metadata["name"], "kind": resource.plural},
            )
        made = self.store.create(resource.plural, prepared(body)) if not _dry(request) else body
        if not _dry(request):
            await self.cluster.applied(resource.plural, made)
        return JSONResponse(made, 201)

    # -- single objects ------------------------------------------------------------------------------

    async def _object(self, resource: Resource, namespace: str, name: str, request: Request) -> Response:
        if resource.plural == "endpoints":
            service = self.store.find("services", namespace, name)
            return JSONResponse(self._endpoints(service)) if service else not_found("endpoints", name)
        body = self.store.find(resource.plural, namespace, name)
        if body is None:
            return not_found(resource.plural, name, resource.group)
        if request.method == "GET":
            if _wants_table(request):
                return JSONResponse(table(resource.plural, [body], self.store.version, self.cluster.clock.wall()))
            return JSONResponse(body)
        if request.method == "DELETE":
            options = await _body(request, optional=True)
            grace = request.query_params.get("gracePeriodSeconds", options.get("gracePeriodSeconds"))
            gone = self._delete(resource, namespace, name, None if grace is None else float(grace))
            self.cluster.reconcile()
            if resource.plural == "pods":
                return JSONResponse(gone)
            return success(resource.plural, name, gone["metadata"]["uid"])
        if request.method in ("PUT", "PATCH"):
            return await self._change(resource, namespace, name, request, lambda old, new: new)
        return unsupported(f"{request.method} on {resource.plural}")

    def _delete(self, resource: Resource, namespace: str, name: str, grace_s: float | None) -> Json:
        if resource.plural == "pods":
            return self.cluster.delete_pod(name, grace_s)
        gone = self.store.delete(resource.plural, namespace, name)
        self.cluster.deleted(resource.plural, gone)
        return gone

    async def _change(self, resource: Resource, namespace: str, name: str, request: Request, keep: Any) -> Response:
        sent = await _body(request)
        old = self.store.get(resource.plural, namespace, name)
        kind = request.headers.get("content-type", "").partition(";")[0]
        if request.method == "PUT":
            version = (sent.get("metadata") or {}).get("resourceVersion")
            if version and version != old["metadata"]["resourceVersion"]:
                return status(
                    409,
                    f'Operation cannot be fulfilled on {resource.plural} "{name}": the object has been modified',
                    reason="Conflict",
                )
            new: Json = {**sent, "metadata": {**old["metadata"], **(sent.get("metadata") or {})}}
        elif kind == "application/json-patch+json":
            new = json_patch(old, sent)
        elif kind in ("application/strategic-merge-patch+json", "application/apply-patch+yaml"):
            new = strategic_merge(old, sent)
        elif kind == "application/merge-patch+json":
            new = merge_patch(old, sent)
        else:
            return status(415, f"the body of the request was in an unknown format: {kind}")
        for fixed in ("name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation"):
            if fixed in old["metadata"]:
                new["metadata"][fixed] = old["metadata"][fixed]
        wrong = self.cluster.mistake(resource.plural, new)
        if wrong:
            return status(422, f'{resource.kind} "{name}" is invalid: {wrong}')
        new = keep(old, new)
        if _dry(request):
            return JSONResponse(new)

        def put(body: Json) -> None:
            body.clear()
            body.update(copy.deepcopy(new))

        changed = self.store.update(resource.plural, namespace, name, put)
        await self.cluster.applied(resource.plural, changed)
        return JSONResponse(self.store.find(resource.plural, namespace, name) or changed)

    # -- subresources --------------------------------------------------------------------------------

    async def _sub(self, resource: Resource, namespace: str, name: str, sub: str, request: Request) -> Response:
        body = self.store.find(resource.plural, namespace, name)
        if body is None:
            return not_found(resource.plural, name, resource.group)
        if sub == "scale" and resource.scalable:
            return await self._scale(resource, namespace, name, request)
        if sub == "status" and resource.status:
            if request.method == "GET":
                return JSONResponse(body)
            return await self._change(
                resource, namespace, name, request, lambda old, new: {**old, "status": new.get("status", {})}
            )
        if resource.plural == "pods" and sub == "log":
            return self._log(body, request)
        if resource.plural == "pods" and sub == "eviction" and request.method == "POST":
            return self._evict(body)
        return unsupported(f"{resource.plural}/{sub}")

    async def _scale(self, resource: Resource, namespace: str, name: str, request: Request) -> Response:
        body = self.store.get(resource.plural, namespace, name)
        if request.method in ("PUT", "PATCH"):
            sent = await _body(request)
            if isinstance(sent, list):
                sent = json_patch({"spec": {"replicas": body["spec"].get("replicas", 1)}}, sent)
            count = int((sent.get("spec") or {}).get("replicas", body["spec"].get("replicas", 1)))
            if count < 0:
                return status(422, f'Scale "{name}" is invalid: spec.replicas: must be greater than or equal to 0')
            body = self.store.update(resource.plural, namespace, name, lambda b: b["spec"].update(replicas=count))
            self.cluster.reconcile()
        metadata = body["metadata"]
        selector = (body["spec"].get("selector") or {}).get("matchLabels") or {}
        return JSONResponse(
            {
                "kind": "Scale",
                "apiVersion": "autoscaling/v1",
                "metadata": {
                    key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
                },
                "spec": {"replicas": body["spec"].get("replicas", 1)},
                "status": {
                    "replicas": (body.get("status") or {}).get("replicas", 0),
                    "selector": ",".join(f"{k}={v}" for k, v in selector.items()),
                },
            }
        )

    def _evict(self, body: Json) -> Response:
        name = body["metadata"]["name"]
        guard = self.cluster.disruption_guard(body)
        if guard:
            return status(429, f"Cannot evict pod as it would violate the pod's disruption budget. ({guard})")
        self.cluster.delete_pod(name)
        return JSONResponse({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, 201)

    def _log(self, body: Json, request: Request) -> Response:
        query = request.query_params
        names = [container["name"] for container in body["spec"]["containers"]]
        container = query.get("container") or names[0]
        if container not in names:
            return status(400, f"container {container} is not valid for pod {body['metadata']['name']}")
        path = self.cluster.folder / "pods" / body["metadata"]["name"] / f"{container}.log"
        tail = int(query["tailLines"]) if "tailLines" in query else None
        if query.get("follow") in ("true", "1"):
            return StreamingResponse(self._follow(body["metadata"]["name"], path, tail), media_type="text/plain")
        data = path.read_bytes() if path.exists() else b""
        if tail is not None:
            data = b"".join(data.splitlines(keepends=True)[-tail:] if tail else ())
        if "limitBytes" in query:
            data = data[: int(query["limitBytes"])]
        return Response(data, media_type="text/plain")

    async def _follow(self, pod: str, path: Any, tail: int | None) -> AsyncIterator[bytes]:
        data = path.read_bytes() if path.exists() else b""
        position = len(data)
        yield b"".join(data.splitlines(keepends=True)[-tail:]) if tail else data
        while pod in self.cluster.pods:
            await asyncio.sleep(0.1)
            if path.exists() and path.stat().st_size > position:
                with path.open("rb") as file:
                    file.seek(position)
                    data = file.read()
                position += len(data)
                yield data

    # -- watch ---------------------------------------------------------------------------------------

    def _watch(self, resource: Resource, namespace: str, request: Request) -> Response:
        query = request.query_params
        return StreamingResponse(
            self._changes(
                resource,
                namespace,
                labels=query.get("labelSelector", ""),
                fields=query.get("fieldSelector", ""),
                since=query.get("resourceVersion", ""),
                seconds=float(query.get("timeoutSeconds", 1800)),
                as_table=_wants_table(request),
            ),
            media_type="application/json",
        )

    async def _changes(
        self,
        resource: Resource,
        namespace: str,
        *,
        labels: str,
        fields: str,
        since: str,
        seconds: float,
        as_table: bool,
    ) -> AsyncIterator[bytes]:
        queue = self.store.subscribe()
        until = self.cluster.clock.monotonic() + seconds
        seen: set[str] = set()

        def wanted(body: Json) -> bool:
            return (
                (not namespace or body["metadata"].get("namespace") == namespace)
                and (not labels or label_query(labels, body["metadata"].get("labels")))
                and (not fields or field_query(fields, body))
            )

        def line(kind: str, body: Json) -> bytes:
            shown = table(resource.plural, [body], self.store.version, self.cluster.clock.wall()) if as_table else body
            return json.dumps({"type": kind, "object": shown}).encode() + b"\n"

        try:
            if since in ("", "0"):
                for body in self._selected(resource, namespace, labels, fields):
                    seen.add(body["metadata"]["uid"])
                    yield line("ADDED", body)
                backlog: list[Any] = []
            else:
                try:
                    backlog = list(self.store.since(int(since)))
                except Expired as error:
                    gone = {
                        "kind": "Status",
                        "apiVersion": "v1",
                        "metadata": {},
                        "status": "Failure",
                        "reason": "Expired",
                        "code": 410,
                        "message": str(error),
                    }
                    yield json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n"
                    return
                seen.update(b["metadata"]["uid"] for b in self._selected(resource, namespace, labels, fields))
            while True:
                if backlog:
                    change = backlog.pop(0)
                else:
                    left = until - self.cluster.clock.monotonic()
                    if left <= 0:
                        return
                    try:
                        change = await asyncio.wait_for(queue.get(), left)
                    except TimeoutError:
                        return
                if change.resource != resource.plural:
                    continue
                uid = change.body["metadata"]["uid"]
                if change.kind == "DELETED" or not wanted(change.body):
                    if uid in seen or (change.kind == "DELETED" and wanted(change.body)):
                        seen.discard(uid)
                        yield line("DELETED", change.body)
                else:
                    kind = "MODIFIED" if uid in seen and change.kind != "ADDED" else "ADDED"
                    seen.add(uid)
                    yield line(kind, change.body)
        finally:
            self.store.unsubscribe(queue)


def merge_patch(base: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def _wants_table(request: Request) -> bool:
    return "as=Table" in request.headers.get("accept", "")


def _dry(request: Request) -> bool:
    return "All" in request.query_params.getlist("dryRun")


async def _body(request: Request, *, optional: bool = False) -> Any:
    raw = await request.body()
    if not raw:
        if optional:
            return {}
        raise ValueError("the request has no body")
    if "yaml" in request.headers.get("content-type", ""):
        return yaml.safe_load(raw)
    return json.loads(raw)
