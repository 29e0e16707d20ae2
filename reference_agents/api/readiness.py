"""What a service needs to do its work, asked for anew each time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError

WITHIN_S = 1.0


class Readiness(BaseModel):
    """Readiness: what the service needs to do its work."""

    ready: bool
    checks: dict[str, str]


@dataclass
class Dependencies:
    """Redis and the registry. The LLM is not among them: the cascade bridges its outages, a restart would not."""

    redis: Redis
    http: httpx.AsyncClient
    registry_url: str

    async def ready(self) -> Readiness:
        """How each dependency answered within a second."""
        redis, registry = await asyncio.gather(self._redis(), self._registry())
        return Readiness(ready=redis == registry == "ok", checks={"redis": redis, "registry": registry})

    async def _redis(self) -> str:
        try:
            async with asyncio.timeout(WITHIN_S):
                await self.redis.ping()
        except (RedisError, TimeoutError, OSError) as error:
            return type(error).__name__
        return "ok"

    async def _registry(self) -> str:
        try:
            answer = await self.http.get(f"{self.registry_url}/health", timeout=WITHIN_S)
        except httpx.HTTPError as error:
            return type(error).__name__
        return "ok" if answer.status_code == 200 else f"HTTP {answer.status_code}"
