"""The registry's HTTP interface: a subset of Confluent's, with its paths, bodies and error codes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from reference_agents.common.clock import RealClock
from reference_agents.common.settings import Settings
from reference_agents.schema_registry import compat
from reference_agents.schema_registry.compat import InvalidSchema, Kind, Level
from reference_agents.schema_registry.store import DEFAULT, Schema, SchemaStore
from reference_agents.security.install import guard

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
TRIES = 20  # registrations under one subject that may get in between


class ApiError(Exception):
    """An error as Confluent's API says it; the HTTP status is the code's first three digits."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class SchemaBody(BaseModel):
    """A schema as a client sends it. References to other subjects are not supported."""

    model_config = ConfigDict(populate_by_name=True)

    text: str = Field(alias="schema")
    kind: Kind = Field(Kind.AVRO, alias="schemaType")


class LevelBody(BaseModel):
    """What a subject promises."""

    compatibility: Level


class Registry:
    """What the registry does, apart from HTTP."""

    def __init__(self, store: SchemaStore) -> None:
        self.store = store

    async def register(self, subject: str, body: SchemaBody) -> int:
        """The id under which the schema is a version of `subject`, which it may have been before.

        Raises ApiError: 42201 for what is no schema, 409 where the subject's promise would be broken.
        """
        text = _canonical(body)
        for _ in range(TRIES):
            earlier = await self.store.versions(subject)
            for known in earlier:
                if (known.kind, known.text) == (body.kind, text):
                    return known.id
            found = await self.judge(subject, body.kind, text, earlier)
            if found:
                raise ApiError(
                    409, f"Schema being registered is incompatible with an earlier schema: {'; '.join(found)}"
                )
            number = await self.store.add(subject, body.kind, text, len(earlier))
            if number is not None:
                return number
        raise ApiError(50001, "too many registrations at once")

    async def judge(self, subject: str, kind: Kind, text: str, earlier: list[Schema]) -> list[str]:
        """Why a schema may not follow `earlier` under what `subject` promises."""
        level = await self.level(subject)
        if level is not Level.NONE and earlier and earlier[-1].kind is not kind:
            return [f"the earlier schema is {earlier[-1].kind}, this one {kind}"]
        # Comparing JSON Schemas can take a while: not on the loop that answers everybody else.
        return await asyncio.to_thread(
            compat.problems, kind, level, text, [old.text for old in earlier if old.kind is kind]
        )

    async def level(self, subject: str) -> Level:
        """What holds for `subject`: its own promise, else the default's."""
        return await self.store.level(subject) or await self.store.level(DEFAULT) or Level.BACKWARD

    async def version(self, subject: str, text: str) -> tuple[int, Schema]:
        """A version by its number or `latest`. Raises ApiError 40401, 40402, 42202."""
        found = await self.store.versions(subject)
        if not found:
            raise ApiError(40401, f"Subject '{subject}' not found.")
        if text in ("latest", "-1"):
            return len(found), found[-1]
        if not text.isdecimal() or not 0 < int(text) < 2**31:
            raise ApiError(42202, f"The specified version '{text}' is not a valid version id.")
        if int(text) > len(found):
            raise ApiError(40402, f"Version {text} not found.")
        return int(text), found[int(text) - 1]


def _canonical(body: SchemaBody) -> str:
    try:
        return compat.canonical(body.kind, body.text)
    except InvalidSchema as error:
        raise ApiError(42201, f"Invalid schema: {error}") from None


def _shown(schema: Schema) -> dict[str, Any]:
    # Avro is what is meant where nothing is said, and clients expect nothing to be said then.
    return {"schema": schema.text} | ({} if schema.kind is Kind.AVRO else {"schemaType": str(schema.kind)})


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application of the schema registry."""
    redis = Redis.from_url(settings.redis_url, socket_timeout=3.0, socket_connect_timeout=1.0, max_connections=32)
    app = application(Registry(SchemaStore(redis)), redis)
    guard(app, "schema-registry", RealClock(), settings.flaw)
    return app


def application(registry: Registry, redis: Redis) -> FastAPI:
    """The API over `registry`; `redis` is closed at its end."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await redis.aclose()

    app = FastAPI(title="schema-registry", version="1.0.0", lifespan=lifespan)
    store = registry.store

    @app.exception_handler(ApiError)
    async def refused(request: Request, error: ApiError) -> JSONResponse:
        status = error.code if error.code < 1000 else error.code // 100
        return JSONResponse({"error_code": error.code, "message": error.message}, status, media_type=MEDIA_TYPE)

    @app.exception_handler(RedisError)
    async def away(request: Request, error: RedisError) -> JSONResponse:
        return JSONResponse({"error_code": 50001, "message": "the store is away"}, 503, media_type=MEDIA_TYPE)

    async def body_of(request: Request) -> SchemaBody:
        # By hand: clients send Confluent's own media type, which FastAPI does not take for JSON.
        try:
            return SchemaBody.model_validate_json(await request.body())
        except ValueError as error:
            raise ApiError(42201, f"Invalid schema: {' '.join(str(error).split())[:200]}") from None

    async def level_of(request: Request) -> Level:
        try:
            return LevelBody.model_validate_json(await request.body()).compatibility
        except ValueError:
            raise ApiError(42203, f"Invalid compatibility level; there are: {', '.join(Level)}") from None

    def answer(data: Any) -> JSONResponse:
        return JSONResponse(data, media_type=MEDIA_TYPE)

    @app.get("/subjects")
    async def subjects() -> Response:
        return answer(await store.subjects())

    @app.post("/subjects/{subject}/versions")
    async def register(subject: str, request: Request) -> Response:
        return answer({"id": await registry.register(subject, await body_of(request))})

    @app.get("/subjects/{subject}/versions")
    async def versions(subject: str) -> Response:
        found = await store.versions(subject)
        if not found:
            raise ApiError(40401, f"Subject '{subject}' not found.")
        return answer(list(range(1, len(found) + 1)))

    @app.get("/subjects/{subject}/versions/{version}")
    async def version(subject: str, version: str) -> Response:
        number, schema = await registry.version(subject, version)
        return answer({"subject": subject, "version": number, "id": schema.id, **_shown(schema)})

    @app.post("/subjects/{subject}")
    async def lookup(subject: str, request: Request) -> Response:
        body = await body_of(request)
        text, found = _canonical(body), await store.versions(subject)
        if not found:
            raise ApiError(40401, f"Subject '{subject}' not found.")
        for number, known in enumerate(found, 1):
            if (known.kind, known.text) == (body.kind, text):
                return answer({"subject": subject, "version": number, "id": known.id, **_shown(known)})
        raise ApiError(40403, "Schema not found")

    @app.get("/schemas/ids/{number}")
    async def by_id(number: int) -> Response:
        found = await store.by_id(number)
        if found is None:
            raise ApiError(40403, f"Schema {number} not found")
        return answer(_shown(found))

    @app.post("/compatibility/subjects/{subject}/versions/{version}")
    async def compatibility(subject: str, version: str, request: Request) -> Response:
        body = await body_of(request)
        _, against = await registry.version(subject, version)
        found = await registry.judge(subject, body.kind, _canonical(body), [against])
        return answer({"is_compatible": not found, "messages": found})

    @app.get("/config")
    async def default_level() -> Response:
        return answer({"compatibilityLevel": await registry.level(DEFAULT)})

    @app.put("/config")
    async def set_default_level(request: Request) -> Response:
        level = await level_of(request)
        await store.set_level(DEFAULT, level)
        return answer({"compatibility": level})

    @app.get("/config/{subject}")
    async def level(subject: str) -> Response:
        found = await store.level(subject)
        if found is None:
            raise ApiError(40408, f"Subject '{subject}' does not have subject-level compatibility configured")
        return answer({"compatibilityLevel": found})

    @app.put("/config/{subject}")
    async def set_level(subject: str, request: Request) -> Response:
        found = await level_of(request)
        await store.set_level(subject, found)
        return answer({"compatibility": found})

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready")
    async def ready() -> Response:
        try:
            await redis.ping()
        except (RedisError, OSError) as error:
            return JSONResponse({"ready": False, "checks": {"redis": type(error).__name__}}, 503)
        return JSONResponse({"ready": True, "checks": {"redis": "ok"}})

    return app
