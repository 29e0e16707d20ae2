"""What an experiment collects from inside the target, and its own session on the mock LLM."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from harness.chaos.bench import SUITE
from harness.chaos.experiment import Experiment
from harness.core.errors import ConfigError, InfraError
from harness.evidence.collect import Collector
from harness.evidence.recorder import Recorder
from harness.targets.target import Target


class Gathering:
    """Ledgers and the LLM's journal, from `pass_over` (which leaves out what came earlier) to `collect`."""

    def __init__(self, target: Target, recorder: Recorder, experiment: Experiment) -> None:
        self._target = target
        self._scope = experiment.name
        # No kept connections: each of the two calls below has an event loop of its own.
        self._http = httpx.AsyncClient(
            timeout=10,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers=dict(self._target.headers),
        )
        self._collector = Collector(self._http, recorder)

    def pass_over(self) -> None:
        """Skip what is there already."""
        asyncio.run(self._read(keep=False))

    def collect(self) -> None:
        """Record what came since, and be done."""

        async def last() -> None:
            await self._read(keep=True)
            await self._http.aclose()

        asyncio.run(last())

    async def _read(self, *, keep: bool) -> None:
        for service in self._target.services.values():
            if service.spec.ledger:
                await self._collector.ledger(
                    service.name, service.url + service.spec.ledger, suite=SUITE, scope=self._scope, keep=keep
                )
            if service.spec.role == "llm" and service.spec.admin:
                admin = service.url + service.spec.admin
                await self._collector.journal(admin, suite=SUITE, scope=self._scope, keep=keep)


@contextlib.contextmanager
def llm_session(target: Target, http: httpx.Client, experiment: Experiment, unique: str) -> Iterator[Mapping[str, str]]:
    """A session on the mock LLM with the experiment's script and faults; yields the headers that name it.

    Yields no headers where the experiment asks for none or the target has no mock LLM.
    """
    llm = experiment.extension.llm
    service = next((s for s in target.by_role("llm") if s.spec.admin), None)
    if service is None or (llm.script is None and not llm.faults):
        if llm.script is not None or llm.faults:
            raise ConfigError("`llm` needs a mock LLM in the target", file=experiment.path)
        yield {}
        return
    url = f"{service.url}{service.spec.admin}/sessions/{unique}"
    if llm.script is not None:
        _put(http, f"{url}/script", llm.script, experiment)
    if llm.faults:
        _put(http, f"{url}/faults", {"faults": list(llm.faults)}, experiment)
    try:
        yield {"baggage": f"mock.session={unique}"}
    finally:
        with contextlib.suppress(httpx.HTTPError):
            http.delete(url)


def _put(http: httpx.Client, url: str, document: Any, experiment: Experiment) -> None:
    try:
        response = http.put(url, json=document)
    except httpx.HTTPError as error:
        raise InfraError(f"the mock LLM does not answer: {error}", hint="windtunnel status") from None
    if response.status_code >= 500:
        raise InfraError(f"the mock LLM answered {response.status_code} to {url}")
    if response.status_code >= 400:
        raise ConfigError(f"`llm` is refused by the mock LLM: {response.text[:300]}", file=experiment.path)
