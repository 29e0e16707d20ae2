"""Endpoints and EndpointSlices: where a service's pods really listen."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cluster.admission import NODE
from harness.cluster.controllers.controller import Owned
from harness.cluster.manifests.documents import Json
from harness.cluster.network import Network
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.store import NotFound

SLICE = "-local"  # the end of the name of a service's one EndpointSlice
MADE = "endpoints.kubernetes.io/managed-by"


@dataclass
class Endpoints(Owned):
    """Keeps both in line with the pods behind each service that has a selector."""

    network: Network

    def reconcile(self) -> None:
        """Starts and ends nothing."""

    def report(self) -> None:
        for key in ("endpoints", "endpointslices"):
            self.each(key, lambda body, key=key: self._forget(key, body))  # type: ignore[misc]
        self.each("services", self._one)

    def _forget(self, key: str, body: Json) -> None:
        """Take away what was made for a service that is gone."""
        made = (body["metadata"].get("labels") or {}).get(MADE)
        if made and self.store.find("services", body["metadata"]["namespace"], made) is None:
            self.store.delete(key, body["metadata"]["namespace"], body["metadata"]["name"])

    def _one(self, service: Json) -> None:
        if not service["spec"].get("selector"):
            return
        name = service["metadata"]["name"]
        ready, unready = self.network.endpoints(service)
        subsets = [*self._subsets(service, ready, "addresses"), *self._subsets(service, unready, "notReadyAddresses")]
        self._keep("endpoints", service, name, {"apiVersion": "v1", "kind": "Endpoints", "subsets": subsets})
        self._keep("endpointslices", service, name + SLICE, _slice(subsets))

    def _subsets(self, service: Json, pods: list[PodRuntime], key: str) -> list[Json]:
        """A subset for each pod, since each listens on a port of its own."""
        rows = []
        for pod in pods:
            ports = []
            for port in service["spec"].get("ports") or ():
                wanted = self.network.target_port(service, int(port["port"]), pod.body)
                name = {"name": port["name"]} if port.get("name") else {}
                ports.append({**name, "port": pod.ports.get(wanted, wanted), "protocol": port.get("protocol", "TCP")})
            rows.append({key: [_address(pod)], "ports": ports})
        return rows

    def _keep(self, key: str, service: Json, name: str, content: Json) -> None:
        space = service["metadata"]["namespace"]
        labels = {**(service["metadata"].get("labels") or {}), MADE: service["metadata"]["name"]}
        if key == "endpointslices":
            labels["kubernetes.io/service-name"] = service["metadata"]["name"]

        def fill(body: Json) -> None:
            body.update(content)
            body["metadata"]["labels"] = labels

        try:
            self.store.update(key, space, name, fill)
        except NotFound:
            self.store.create(key, {**content, "metadata": {"name": name, "namespace": space, "labels": labels}})


def _slice(subsets: list[Json]) -> Json:
    # A slice has one list of ports for all: those of the first pod. Endpoints tell each pod's own.
    rows: list[Json] = []
    for subset in subsets:
        for key in ("addresses", "notReadyAddresses"):
            for address in subset.get(key) or ():
                good = key == "addresses"
                rows.append({"addresses": [address["ip"]], "nodeName": NODE, "targetRef": address["targetRef"],
                             "conditions": {"ready": good, "serving": good, "terminating": False}})  # fmt: skip
    ports = [{"name": "", **port} for port in subsets[0]["ports"]] if subsets else []
    head = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4"}
    return {**head, "endpoints": rows, "ports": ports}


def _address(pod: PodRuntime) -> Json:
    metadata = pod.body["metadata"]
    same = ("name", "namespace", "uid")
    return {"ip": "127.0.0.1", "nodeName": NODE, "targetRef": {"kind": "Pod", **{key: metadata[key] for key in same}}}
