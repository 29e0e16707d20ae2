"""What hangs below an object: scale, status, log, eviction."""

from __future__ import annotations

import secrets
from datetime import timedelta

from starlette.responses import Response

from harness.cluster.cluster import LocalCluster
from harness.cluster.kubeapi.answers import answer, invalid, not_allowed, not_found, status, unsupported
from harness.cluster.kubeapi.logs import log_of
from harness.cluster.kubeapi.managers import manager_of, updated
from harness.cluster.kubeapi.patches import patched
from harness.cluster.kubeapi.request import Ask
from harness.cluster.kubeapi.rows import Rows
from harness.cluster.kubeapi.writing import Writing
from harness.cluster.manifests.documents import Json


class Subresources:
    """Answers paths below an object."""

    def __init__(self, cluster: LocalCluster, rows: Rows, writing: Writing) -> None:
        self.cluster, self.store, self.rows, self.writing = cluster, cluster.store, rows, writing

    async def handle(self, ask: Ask) -> Response:
        """One request to `ask.sub`."""
        body = self.rows.find(ask.resource, ask.namespace, ask.name)
        if body is None:
            return not_found(ask.resource, ask.name)
        match (ask.resource.key, ask.sub):
            case (_, "scale") if ask.resource.scalable:
                return await self._scale(ask, body)
            case (_, "status") if ask.resource.status:
                return self.rows.shown(ask, body) if ask.method == "GET" else await self.writing.change(ask)
            case ("pods", "log"):
                return log_of(self.cluster, ask, body)
            case ("pods", "eviction") if ask.method == "POST":
                return await self._evict(ask, body)
            case ("serviceaccounts", "token") if ask.method == "POST":
                return await self._token(ask)
            case ("namespaces", "finalize"):
                return self.rows.shown(ask, body)
        return unsupported(f"{ask.resource.plural}/{ask.sub}")

    async def _scale(self, ask: Ask, body: Json) -> Response:
        if ask.method not in ("GET", "PUT", "PATCH"):
            return not_allowed()
        if ask.method != "GET":
            sent = await ask.body()
            try:
                new = sent if ask.method == "PUT" else patched(ask.content_type, ask.resource, scale_of(body), sent)
            except ValueError as error:
                return status(422, str(error))
            if not isinstance(new, dict):
                return status(415, f"the body of the request was in an unknown format - {ask.content_type}")
            count = int((new.get("spec") or {}).get("replicas") or 0)
            if count < 0:
                why = "spec.replicas: Invalid value: must be greater than or equal to 0"
                return invalid(ask.resource, ask.name, why)
            if not ask.dry:
                key = ask.resource.key
                scaled = {**body, "spec": {**body["spec"], "replicas": count}}
                rows = updated(body, scaled, manager=manager_of(ask), sub="scale", now=self.store.now())

                def scale(new: Json) -> None:
                    new["spec"]["replicas"] = count
                    new["metadata"]["managedFields"] = rows

                body = self.store.update(key, ask.namespace, ask.name, scale)
                self.cluster.reconcile()
            else:
                body = {**body, "spec": {**body["spec"], "replicas": count}}
        return answer(scale_of(body))

    async def _evict(self, ask: Ask, body: Json) -> Response:
        sent = await ask.body(optional=True)
        guard = self.cluster.budgets.forbids(body)
        if guard:
            text = f"Cannot evict pod as it would violate the pod's disruption budget. The disruption budget {guard}"
            return status(429, text, details={"causes": [{"reason": "DisruptionBudget", "message": guard}]})
        grace = ((sent if isinstance(sent, dict) else {}).get("deleteOptions") or {}).get("gracePeriodSeconds")
        if not ask.dry:
            self.cluster.runtime.delete(ask.namespace, ask.name, None if grace is None else float(grace))
        return answer({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, 201)

    async def _token(self, ask: Ask) -> Response:
        """A token for a service account. Nothing here asks for one, so any will do; this one tells nothing."""
        sent = await ask.body(optional=True)
        seconds = int((sent.get("spec") or {}).get("expirationSeconds") or 3600)
        ends = self.cluster.clock.wall() + timedelta(seconds=seconds)
        given = {"token": secrets.token_urlsafe(32), "expirationTimestamp": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
        head = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
        return answer({**head, "metadata": {"name": ask.name}, "spec": sent.get("spec") or {}, "status": given}, 201)


def scale_of(body: Json) -> Json:
    """An object's Scale."""
    metadata = body["metadata"]
    selector = body["spec"].get("selector") or {}
    labels = selector.get("matchLabels", {} if "matchExpressions" in selector else selector) or {}
    same = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in same},
        "spec": {"replicas": body["spec"].get("replicas", 1)},
        "status": {
            "replicas": (body.get("status") or {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in labels.items()),
        },
    }
