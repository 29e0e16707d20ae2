"""Reads every pod's metrics at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from harness.core.errors import InfraError
from harness.evidence.metrics.exposition import Series, readings
from harness.targets.target import LiveService, Target

WITHIN_S = 1.0


@dataclass(frozen=True)
class Endpoint:
    """Where one pod's metrics are read. Without a cluster a service is taken for its only pod."""

    service: str
    pod: str
    url: str


@dataclass(frozen=True)
class Scrape:
    """What one look at all pods showed; `up` are those that answered, `down` those that did not."""

    values: Mapping[Series, float]
    up: Collection[str]
    down: Mapping[str, str]


@dataclass(frozen=True)
class Scraper:
    """Looks at every service of the target that declares `metrics`."""

    http: httpx.AsyncClient
    target: Target

    @property
    def wanted(self) -> bool:
        """Whether there is anything to look at."""
        return any(service.spec.metrics for service in self.target.services.values())

    async def scrape(self) -> Scrape:
        """One look. A pod that does not answer within a second, or not in Prometheus' words, is down.

        Raises InfraError where the local cluster does not say which pods there are.
        """
        found = await self.endpoints()
        answers = await asyncio.gather(*(self._read(endpoint) for endpoint in found))
        values: dict[Series, float] = {}
        down: dict[str, str] = {}
        for endpoint, answer in zip(found, answers, strict=True):
            if isinstance(answer, str):
                down[endpoint.pod] = answer
            else:
                values.update(answer)
        return Scrape(values, frozenset(endpoint.pod for endpoint in found) - down.keys(), down)

    async def endpoints(self) -> list[Endpoint]:
        """Every running pod of every service with metrics, past any Service in front of it."""
        services = {name: live for name, live in self.target.services.items() if live.spec.metrics}
        if self.target.kind == "kubernetes" and self.target.kube_api:
            rows = await asyncio.gather(*(self._behind(live) for live in services.values()))
            return [endpoint for found in rows for endpoint in found]
        if not self.target.cluster_state:
            return [Endpoint(name, name, f"{live.url}{live.spec.metrics}") for name, live in services.items()]
        return [
            Endpoint(row["workload"], row["name"], f"http://127.0.0.1:{port}{services[row['workload']].spec.metrics}")
            for row in await self._pods(self.target.cluster_state)
            if row["workload"] in services
            for port in list(row["ports"].values())[:1]
        ]

    async def _behind(self, live: LiveService) -> list[Endpoint]:
        """The ready pods behind a service of a real cluster, each through its API; the service itself where it has a
        url of its own and the cluster knows none of that name."""
        base = f"{self.target.kube_api}/api/v1/namespaces/{self.target.namespace}"
        try:
            answer = await self.http.get(f"{base}/endpoints/{live.name}", timeout=10)
            answer.raise_for_status()
            subsets = answer.json().get("subsets") or []
        except (ValueError, httpx.HTTPError) as error:
            if live.spec.url is not None:
                return [Endpoint(live.name, live.name, f"{live.url}{live.spec.metrics}")]
            raise InfraError(f"the cluster does not say which pods are behind {live.name}: {error}") from None
        return [
            Endpoint(live.name, pod, f"{base}/pods/{pod}:{subset['ports'][0]['port']}/proxy{live.spec.metrics}")
            for subset in subsets
            if subset.get("ports")
            for address in subset.get("addresses") or ()
            if (pod := (address.get("targetRef") or {}).get("name"))
        ]

    async def _pods(self, state_file: str) -> list[Any]:
        try:
            state = json.loads(await asyncio.to_thread(Path(state_file).read_text))
            answer = await self.http.get(
                f"{state['control']}/status", headers={"authorization": f"Bearer {state['token']}"}, timeout=10
            )
            answer.raise_for_status()
            rows: list[Any] = answer.json()["pods"]
        except (OSError, ValueError, KeyError, httpx.HTTPError) as error:
            raise InfraError(f"the local cluster does not say which pods run: {type(error).__name__}") from None
        return rows

    async def _read(self, endpoint: Endpoint) -> dict[Series, float] | str:
        try:
            # A token for the services is none for the API that stands before them.
            through_api = endpoint.url.startswith(f"{self.target.kube_api}/api/")
            headers = {} if through_api else dict(self.target.headers)
            answer = await self.http.get(endpoint.url, headers=headers, timeout=WITHIN_S)
            answer.raise_for_status()
            return dict(readings(answer.text, endpoint.service, endpoint.pod))
        except httpx.HTTPStatusError as error:
            return f"HTTP {error.response.status_code}"
        except (httpx.HTTPError, ValueError, KeyError) as error:
            return type(error).__name__
