"""One look at all pods: of the local cluster each by itself, elsewhere a service by its URL."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from harness.core.config import Service
from harness.core.errors import InfraError
from harness.evidence.metrics.scrape import Endpoint, Scraper
from harness.targets.target import LiveService, Target

GOOD = "# TYPE tasks_total counter\ntasks_total 1\n"
PODS = [
    {"name": "agent-1", "workload": "agent", "ports": {"8080": 1001, "9090": 1002}},
    {"name": "agent-2", "workload": "agent", "ports": {"8080": 1003}},
    {"name": "redis-1", "workload": "redis", "ports": {"6379": 1004}},
]


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/status":
        assert request.headers["authorization"] == "Bearer t"
        return httpx.Response(200, json={"pods": PODS})
    if request.url.port == 1003:
        raise httpx.ConnectTimeout("away")
    if request.url.port == 1001:
        return httpx.Response(200, text=GOOD)
    return {"/metrics": httpx.Response(200, text="what?{"), "/no": httpx.Response(503)}[request.url.path]


def scraper(state: str | None = None, path: str | None = "/metrics", url: str = "http://agent") -> Scraper:
    services = {
        "agent": LiveService("agent", url, Service(metrics=path)),
        "redis": LiveService("redis", "http://redis", Service(metrics=None)),
    }
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return Scraper(http, Target("t", "local", "n", services, cluster_state=state))


async def test_every_pod_is_asked_past_its_service_and_one_that_is_away_is_down(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"control": "http://control", "token": "t"}))
    found = await scraper(str(tmp_path / "state.json")).scrape()
    assert found.up == {"agent-1"} and found.down == {"agent-2": "ConnectTimeout"}
    assert {(series.service, series.pod, series.name) for series in found.values} == {
        ("agent", "agent-1", "tasks_total")
    }


async def test_elsewhere_a_service_is_asked_by_its_url() -> None:
    assert await scraper().endpoints() == [Endpoint("agent", "agent", "http://agent/metrics")]
    assert (await scraper().scrape()).down == {"agent": "ValueError"}
    assert (await scraper(path="/no").scrape()).down == {"agent": "HTTP 503"}


async def test_nothing_is_wanted_where_no_service_declares_metrics() -> None:
    assert scraper().wanted and not scraper(path=None).wanted


async def test_a_cluster_that_is_gone_is_an_error_of_the_surroundings(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="does not say which pods run"):
        await scraper(str(tmp_path / "state.json")).scrape()
