"""What can be read at the dead letter handler is what users wrote: nobody unknown reads it where callers are known."""

from __future__ import annotations

import httpx
import pytest

from reference_agents.common.settings import Settings
from reference_agents.dlq import service as dlq
from reference_agents.schema_registry import service as schemas

ENV = {"AUTH_URL": "http://auth.test", "KAFKA_BROKERS": "127.0.0.1:1", "REDIS_URL": "redis://127.0.0.1:1/0"}


@pytest.mark.parametrize("path", ["/letters", "/letters/x"])
async def test_dead_letters_are_for_known_callers(path: str) -> None:
    transport = httpx.ASGITransport(dlq.create_app(Settings.of(ENV), ENV))
    async with httpx.AsyncClient(transport=transport, base_url="http://dlq") as http:
        assert (await http.get(path)).status_code == 401
        assert (await http.get("/health")).status_code == 200


async def test_schemas_are_for_known_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_URL", ENV["AUTH_URL"])
    transport = httpx.ASGITransport(schemas.create_app(Settings.of(ENV)))
    async with httpx.AsyncClient(transport=transport, base_url="http://schemas") as http:
        assert (await http.get("/subjects")).status_code == 401
        assert (await http.get("/health")).status_code == 200
