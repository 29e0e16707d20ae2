"""Probes of experiment files (`module: harness.chaos.probes`)."""

from __future__ import annotations

import httpx

from harness.chaos.bench import bench
from harness.core.errors import InfraError

TIMEOUT_S = 5.0


def ready(service: str, within_s: float = 0.0) -> bool:
    """True when the service says that it is ready, within `within_s` seconds of asking.

    Raises InfraError where nothing answers at all: that is no observation of the service.
    """
    site = bench().site
    live = site.target.service(service)
    if live.spec.ready is None:
        raise InfraError(f"service {service} has no `ready` route in windtunnel.toml")
    url = live.url + live.spec.ready

    def good() -> bool:
        try:
            return site.http.get(url, timeout=TIMEOUT_S).is_success
        except httpx.HTTPError as error:
            if within_s:
                return False
            raise InfraError(f"{url}: {type(error).__name__}") from None

    return bool(site.wait_for(good, within_s))


def answers(service: str, within_s: float) -> bool:
    """True when a task handed to `service` is done, and well, within `within_s` seconds."""
    site = bench().site
    live = site.target.service(service)
    api = live.spec.tasks
    if api is None or api.run is None:
        raise InfraError(f"service {service} has no `run` route in windtunnel.toml")
    method, _, path = api.run.partition(" ")
    body = {
        key: value.replace("{prompt}", "hello").replace("{session}", "probe") if isinstance(value, str) else value
        for key, value in api.body.items()
    }
    try:
        response = site.http.request(
            method, live.url + path, json=body, headers=dict(site.target.headers), timeout=within_s
        )
    except httpx.TimeoutException:
        return False
    except httpx.HTTPError as error:
        raise InfraError(f"{live.url}{path}: {type(error).__name__}") from None
    return response.is_success
