"""The API server: which path is whose."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from harness.cluster.cluster import LocalCluster
from harness.cluster.kubeapi import openapi
from harness.cluster.kubeapi.answers import answer, no_such_path, not_allowed, not_found, status, unsupported
from harness.cluster.kubeapi.discovery import VERSION, Discovery
from harness.cluster.kubeapi.metrics import metrics_of
from harness.cluster.kubeapi.proxying import name_and_port, proxied
from harness.cluster.kubeapi.request import Ask, BadRequest, body_of
from harness.cluster.kubeapi.reviews import review
from harness.cluster.kubeapi.rows import Rows
from harness.cluster.kubeapi.subresources import Subresources
from harness.cluster.kubeapi.watching import watch
from harness.cluster.kubeapi.writing import Writing
from harness.cluster.store import Conflict, NotFound


class KubeApi:
    """Answers HTTP requests over a cluster as a kube-apiserver does; what is not supported says so with 501."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.cluster = cluster
        self.discovery = Discovery(cluster.catalogue)
        self.rows = Rows(cluster)
        self.writing = Writing(cluster, self.rows)
        self.below = Subresources(cluster, self.rows, self.writing)

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        parts = [part for part in request.url.path.split("/") if part]
        try:
            return await self._route(request, parts)
        except NotFound as error:
            return status(404, str(error))
        except Conflict as error:
            return status(409, str(error), reason="AlreadyExists")
        except BadRequest as error:
            return status(400, str(error))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if request.method in ("POST", "PUT", "PATCH"):
                return status(400, f"the object cannot be understood: {type(error).__name__}: {error}")
            return status(400 if isinstance(error, ValueError) else 500, f"{error}")

    async def _route(self, request: Request, parts: list[str]) -> Response:
        match parts:
            case []:
                return answer({"paths": ["/api", "/apis", "/healthz", "/openapi/v3", "/version"]})
            case ["version"]:
                return answer(VERSION)
            case ["healthz" | "livez" | "readyz", *_]:
                return PlainTextResponse("ok")
            case ["api"]:
                return self.discovery.core(request)
            case ["apis"]:
                return self.discovery.groups(request)
            case ["apis", group]:
                found = self.discovery.group(group)
                return answer(found) if found else no_such_path()
            case ["openapi", "v3"]:
                return answer(openapi.index(self.cluster.catalogue))
            case ["openapi", "v3", *path]:
                described = openapi.document(self.cluster.catalogue, "/".join(path))
                return answer(described) if described else no_such_path()
            case ["api", version, *rest]:
                return await self._group("", version, rest, request)
            case ["apis", group, version, *rest]:
                return await self._group(group, version, rest, request)
        return no_such_path()

    async def _group(self, group: str, version: str, rest: list[str], request: Request) -> Response:
        if not rest:
            listed = self.discovery.resources(group, version)
            return answer(listed) if listed else no_such_path()
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
            namespace, rest = rest[1], rest[2:]
        resource = self.cluster.catalogue.by_path(group, version, rest[0])
        if resource is None:
            reviewed = None
            if request.method == "POST" and len(rest) == 1 and group.startswith("auth"):
                reviewed = review(group, rest[0], await body_of(request))
            if group == "chaos-mesh.org" and version == "v1alpha1":
                return unsupported(f"{rest[0]} of Chaos Mesh")
            return answer(reviewed, 201) if reviewed else no_such_path()
        name, sub = (rest[1] if len(rest) > 1 else ""), "/".join(rest[2:])
        if resource.key in ("pods", "services") and rest[2:3] == ["proxy"]:
            name, port = name_and_port(name)
            found = self.cluster.store.find(resource.key, namespace, name)
            if found is None:
                return not_found(resource, name)
            path = request.url.path.partition("/proxy")[2].lstrip("/")
            return await proxied(request, self.cluster, resource.key, found, port, path)
        ask = Ask(request, resource, namespace, name, sub)
        if resource.measured:
            return metrics_of(self.cluster, ask)
        if ask.sub:
            return await self.below.handle(ask)
        return await (self._object(ask) if ask.name else self._collection(ask))

    async def _collection(self, ask: Ask) -> Response:
        match ask.method:
            case "GET":
                if ask.flag("watch"):
                    return watch(self.rows, ask)
                return self.rows.many(ask)
            case "POST":
                return await self.writing.create(ask)
            case "DELETE":
                return await self.writing.delete_all(ask)
        return not_allowed()

    async def _object(self, ask: Ask) -> Response:
        match ask.method:
            case "GET":
                return self.rows.one(ask)
            case "PUT" | "PATCH":
                return await self.writing.change(ask)
            case "DELETE":
                return await self.writing.delete(ask)
        return not_allowed()
