"""Reading objects: one, many, chosen by labels and fields, page by page, as rows for kubectl."""

from __future__ import annotations

import base64
import binascii

from starlette.responses import Response

from harness.cluster.cluster import LocalCluster
from harness.cluster.kubeapi.answers import answer, not_found, status
from harness.cluster.kubeapi.request import Ask, BadRequest
from harness.cluster.kubeapi.tables import table
from harness.cluster.kubeapi.versions import shown_as
from harness.cluster.manifests.documents import Json
from harness.cluster.resources import Resource
from harness.cluster.selectors import field_query, label_query


class Rows:
    """Reads the cluster's objects."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.cluster, self.store = cluster, cluster.store

    def find(self, resource: Resource, namespace: str, name: str) -> Json | None:
        """One object, or None."""
        return self.store.find(resource.key, namespace, name)

    def chosen(self, ask: Ask) -> list[Json]:
        """The objects that the request's selectors choose, by namespace and name. Raises BadRequest."""
        labels, fields = ask.query.get("labelSelector", ""), ask.query.get("fieldSelector", "")
        check(labels, fields, ask.resource.key)
        return [
            body
            for body in self.store.list(ask.resource.key, ask.namespace or None)
            if wanted(body, labels, fields, ask.resource.key)
        ]

    def one(self, ask: Ask) -> Response:
        """GET of an object."""
        body = self.find(ask.resource, ask.namespace, ask.name)
        return self.shown(ask, body) if body is not None else not_found(ask.resource, ask.name)

    def shown(self, ask: Ask, body: Json, code: int = 200) -> Response:
        """An object in the form that was asked for."""
        if ask.table:
            return answer(self.as_table(ask, [body]), code)
        return answer(partial(body) if ask.metadata_only else shown_as(ask.resource, body), code)

    def as_table(self, ask: Ask, bodies: list[Json]) -> Json:
        """The rows that kubectl prints."""
        now, whole = self.cluster.clock.wall(), ask.query.get("includeObject", "Metadata")
        return table(ask.resource, bodies, self.store.version, now, whole)

    def many(self, ask: Ask) -> Response:
        """GET of a collection; `limit` and `continue` page through it."""
        bodies = self.chosen(ask)
        metadata: Json = {"resourceVersion": str(self.store.version)}
        if "continue" in ask.query:
            version, after = _token(ask.query["continue"])
            metadata["resourceVersion"] = version
            bodies = [body for body in bodies if _place(body) > after]
        limit = int(ask.query.get("limit") or 0)
        if limit < 0:
            return status(400, "limit: must be greater than or equal to 0")
        if limit and len(bodies) > limit:
            metadata["remainingItemCount"] = len(bodies) - limit
            bodies = bodies[:limit]
            text = f"{metadata['resourceVersion']}\n{_place(bodies[-1])}"
            metadata["continue"] = base64.urlsafe_b64encode(text.encode()).decode()
        if ask.table:
            rows = self.as_table(ask, bodies)
            return answer({**rows, "metadata": {**rows["metadata"], **metadata}})
        if ask.metadata_only:
            head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
            return answer({**head, "metadata": metadata, "items": [partial(body) for body in bodies]})
        head = {"kind": f"{ask.resource.kind}List", "apiVersion": ask.resource.api_version}
        return answer({**head, "metadata": metadata, "items": [shown_as(ask.resource, body) for body in bodies]})


def wanted(body: Json, labels: str, fields: str, kind: str) -> bool:
    """Does the object match a label selector and a field selector? Raises ValueError for one that is none."""
    return (not labels or label_query(labels, body["metadata"].get("labels"))) and (
        not fields or field_query(fields, body, kind)
    )


def check(labels: str, fields: str, kind: str) -> None:
    """Raises BadRequest for selectors that are none, also where there is no object to choose."""
    try:
        wanted({"metadata": {}}, labels, "", kind)
        field_query(fields, {"metadata": {}}, kind)
    except ValueError as error:
        raise BadRequest(str(error)) from None


def partial(body: Json) -> Json:
    """The object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}


def _place(body: Json) -> str:
    return f"{body['metadata'].get('namespace', '')}/{body['metadata']['name']}"


def _token(text: str) -> tuple[str, str]:
    try:
        version, _, after = base64.urlsafe_b64decode(text.encode()).decode().partition("\n")
    except (binascii.Error, UnicodeDecodeError):
        raise BadRequest("continue key is not valid") from None
    return version, after
