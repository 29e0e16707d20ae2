"""The control API: what the harness needs of a cluster and Kubernetes has no words for. Needs the token."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from harness.cluster.cluster import LocalCluster
from harness.cluster.edges.edge import Edge
from harness.cluster.edges.faults import EdgeFault
from harness.cluster.policies import CLIENT


class Control:
    """Paths below /windtunnel/v1: status, edges and their faults, stop."""

    def __init__(
        self, cluster: LocalCluster, token: str, stop: asyncio.Event, describe: Callable[[], dict[str, str]]
    ) -> None:
        self.cluster, self._token, self._stop, self._describe = cluster, token, stop, describe

    async def handle(self, request: Request) -> Response:
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(sent, self._token):
            return JSONResponse({"error": "the token is in the cluster's state file"}, 401)
        parts = request.url.path.removeprefix("/windtunnel/v1").strip("/").split("/")
        match (request.method, parts):
            case ("GET", ["status"]):
                return JSONResponse(self.status())
            case ("GET", ["edges"]):
                return JSONResponse({"edges": [self._edge(edge) for edge in self.cluster.network.edges.values()]})
            case ("PUT", ["faults", name]):
                return await self._put(name, request)
            case ("DELETE", ["faults", name]):
                return JSONResponse({"cleared": self.cluster.network.fall(name)})
            case ("POST", ["stop"]):
                self._stop.set()
                return JSONResponse({"stopping": True})
        return JSONResponse({"error": f"no {request.method} {request.url.path}"}, 404)

    async def _put(self, name: str, request: Request) -> Response:
        body = await request.json()
        try:
            fault = EdgeFault.model_validate(body["fault"])
        except (ValidationError, KeyError) as error:
            return JSONResponse({"error": str(error)}, 422)
        hit = self.cluster.network.stand(name, body.get("source"), body.get("service"), fault)
        if not hit:
            return JSONResponse({"error": f"no edge from {body.get('source')} to {body.get('service')}"}, 404)
        return JSONResponse({"edges": [self._edge(edge) for edge in hit]})

    def _edge(self, edge: Edge) -> dict[str, object]:
        return {
            "source": edge.source,
            "workload": self.cluster.network.workload(edge.source),
            "service": edge.service,
            "port": edge.port,
            "listen": edge.listen_port,
            "faults": {name: fault.model_dump() for name, fault in edge.faults.items()},
            "witness": edge.witness.as_dict(),
            "open": len(edge.connections),
        }

    def status(self) -> dict[str, object]:
        """Services with the URLs for callers from outside, pods, and what is not ready."""
        services: dict[str, str] = {}
        ports: dict[str, dict[str, str]] = {}
        # In the order of the manifest: a service's first port is the one it is called at.
        for (source, service, port), edge in list(self.cluster.network.edges.items()):
            if source == CLIENT:
                services.setdefault(service, f"http://127.0.0.1:{edge.listen_port}")
                ports.setdefault(service, {})[str(port)] = f"127.0.0.1:{edge.listen_port}"
        pods = [
            {
                "name": pod.name,
                "workload": pod.workload,
                "uid": pod.body["metadata"]["uid"],
                "phase": (pod.body.get("status") or {}).get("phase", "Pending"),
                "ready": pod.ready,
                "terminating": pod.terminating,
                "restarts": sum(state.restarts for state in pod.states.values()),
                "pids": [state.process.pid for state in pod.states.values() if state.process and state.process.running],
                "ports": {str(wanted): real for wanted, real in pod.ports.items()},
            }
            for pod in sorted(self.cluster.pods.values(), key=lambda pod: pod.name)
        ]
        return {
            **self._describe(),
            "services": services,
            "ports": ports,
            "pods": pods,
            "unready": self.cluster.unready(),
        }
