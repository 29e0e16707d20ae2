"""What an autoscaler measures: pods' CPU and memory, their own /metrics, and the lag of a Kafka topic."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from harness.cluster.exposition import samples
from harness.cluster.kafka_lag import LAG, lag_of
from harness.cluster.manifests.documents import Json
from harness.cluster.metering import Metering, request
from harness.cluster.pods import Pods
from harness.cluster.runtime.pod import PodRuntime
from harness.cluster.selectors import matches

TIMEOUT_S = 2.0


class NoMeasure(Exception):
    """There is no such number now; the message says why."""


@dataclass
class Measures:
    """Each method raises NoMeasure where nothing can be said."""

    pods: Pods
    metering: Metering

    def used(self, pods: Iterable[PodRuntime], resource: str, container: str | None = None) -> dict[str, float]:
        """What each pod uses: cores or bytes. Pods that are not metered yet miss."""
        found = {}
        for pod in pods:
            meters = self.metering.of(pod)
            if meters and set(meters) == set(pod.states):
                chosen = [m for name, m in meters.items() if container in (None, name)]
                found[pod.name] = sum((m.cores or 0.0) if resource == "cpu" else float(m.last.resident) for m in chosen)
        if not found:
            raise NoMeasure(f"no {resource} of any ready pod was measured yet")
        return found

    def requested(self, pod: PodRuntime, resource: str, container: str | None = None) -> float:
        """What a pod asks for."""
        names = [name for name in pod.states if container in (None, name)]
        asked = [request(pod, name, resource) for name in names]
        if not asked or not all(asked):
            raise NoMeasure(f"missing request for {resource} in a container of pod {pod.name}")
        return sum(asked)

    async def of_pods(self, pods: Iterable[PodRuntime], name: str, selector: Json | None) -> dict[str, float]:
        """A metric of each pod's own /metrics; several samples are added up."""
        pods = list(pods)
        texts = await asyncio.gather(*(self._scrape(pod) for pod in pods))
        found = {}
        for pod, text in zip(pods, texts, strict=True):
            values = [value for labels, value in samples(text, name) if matches(selector, labels)]
            if values:
                found[pod.name] = sum(values)
        if not found:
            raise NoMeasure(f"no pod tells {name} at /metrics")
        return found

    async def external(self, namespace: str, name: str, selector: Json | None) -> float:
        """The sum of a metric's samples over all pods of the namespace that tell it; `kafka_consumergroup_lag`, which
        nobody tells, is asked of the broker."""
        pods = [p for p in self.pods.running.values() if p.body["metadata"]["namespace"] == namespace and p.ready]
        try:
            return sum((await self.of_pods(pods, name, selector)).values())
        except NoMeasure:
            if name != LAG:
                raise
        broker = next((pod for pod in pods if _speaks_kafka(pod)), None)
        if broker is None:
            raise NoMeasure(f"no pod tells {name} at /metrics, and there is no broker to ask")
        port = next(real for wanted, real in broker.ports.items() if wanted == 9092)
        labels = dict((selector or {}).get("matchLabels") or {})
        lag = await lag_of(f"127.0.0.1:{port}", labels.get("topic", ""), labels.get("consumergroup", ""))
        if lag is None or math.isnan(lag):
            raise NoMeasure(f"the broker tells no committed offset of topic {labels.get('topic', '')!r}")
        return lag

    async def _scrape(self, pod: PodRuntime) -> str:
        port, path = _metrics_at(pod)
        if port is None:
            return ""
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S) as http:
                answer = await http.get(f"http://127.0.0.1:{port}{path}")
        except httpx.HTTPError:
            return ""
        return answer.text if answer.is_success else ""


def _metrics_at(pod: PodRuntime) -> tuple[int | None, str]:
    """Where a pod tells its metrics: as its prometheus.io annotations say, at a port called metrics, http or http-*,
    or at its first."""
    annotations = pod.body["metadata"].get("annotations") or {}
    path = annotations.get("prometheus.io/path", "/metrics")
    rows = [port for c in pod.body["spec"]["containers"] for port in c.get("ports") or ()]
    wanted = annotations.get("prometheus.io/port", "")
    if wanted.isdigit():
        return pod.ports.get(int(wanted)), path
    named = {row.get("name", ""): int(row["containerPort"]) for row in rows}
    for name in ("metrics", "http-metrics", "http"):
        if name in named:
            return pod.ports.get(named[name]), path
    return (pod.ports.get(int(rows[0]["containerPort"])) if rows and not _speaks_kafka(pod) else None), path


def _speaks_kafka(pod: PodRuntime) -> bool:
    return any("kafka" in str(c.get("image", "")) for c in pod.body["spec"]["containers"]) and 9092 in pod.ports
