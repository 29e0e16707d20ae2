"""The matrix of credentials over gRPC: green on the guarded door, red on one that was forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from harness.contracts.grpc.caller import GrpcCaller, named
from harness.contracts.grpc.standard import check_standard
from harness.contracts.http.auth import AuthMatrix, Grants
from reference_agents.flaws import with_flaw
from reference_agents.grpc_api import agents_pb2 as pb
from reference_agents.grpc_api.guard import Guard
from reference_agents.grpc_api.service import SERVICE
from reference_agents.security.limits import RateLimit
from tests.unit.contracts.test_auth_matrix import AUTH, EVERY, Kept, failed, token_service
from tests.unit.reference_agents.security.conftest import Desk, new_desk

METHOD = f"{SERVICE}/RunTask"


@asynccontextmanager
async def door(desk: Desk, flaw: str, *, standard: bool = True) -> AsyncIterator[str]:
    """A server whose one method refuses an empty task, behind the guard (as far as the flaw leaves it)."""

    async def run_task(request: pb.RunTaskRequest, context: Any) -> None:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no task")

    desk.verifier.callers = frozenset({"windtunnel"})
    verifier = with_flaw(desk.verifier, flaw, "apply_verifier")
    guards = with_flaw([Guard(verifier, RateLimit(desk.clock, 0, {}))], flaw, "apply_grpc")
    server = grpc.aio.server(interceptors=guards)
    handler = grpc.unary_unary_rpc_method_handler(run_task, pb.RunTaskRequest.FromString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"RunTask": handler}),))
    if standard:
        servicer = health.aio.HealthServicer()
        await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        reflection.enable_server_reflection((SERVICE,), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def judged(flaw: str = "", *, standard: bool = True) -> Kept:
    desk = new_desk()
    promises = Kept(None, "x/grpc", ([], []))  # type: ignore[arg-type]

    async def sleep(seconds: float) -> None:
        desk.clock.now += seconds

    async with (
        door(desk, flaw, standard=standard) as address,
        grpc.aio.insecure_channel(address) as channel,
        httpx.AsyncClient(transport=token_service(desk)) as tokens,
    ):
        grants = Grants(tokens, "http://auth/token", AUTH, "windtunnel-secret", "stranger-secret")
        await check_standard(channel, METHOD, promises)
        await AuthMatrix(
            lambda headers: GrpcCaller(channel, address, headers),
            promises,
            f"GRPC {METHOD}",
            await grants.token(AUTH.audience),
            "agent-search",
            grants,
            sleep,
            named=named,
            challenged=False,
        ).check()
    return promises


async def test_a_guarded_door_keeps_every_promise() -> None:
    promises = await judged()
    assert {check.outcome for check in promises.checks[0]} == {"pass"}
    assert {check.check.removeprefix("auth.") for check in promises.checks[0]} == {
        *(EVERY - {"challenge"}),
        "grpc.health",
        "grpc.reflection",
    }


@pytest.mark.parametrize(
    ("flaw", "some"),
    [("grpc_unguarded", {"absent", "garbage", "expired", "stranger"}), ("accepts_expired", {"expired"})],
)
async def test_a_door_that_lets_in_whoever_calls_is_red(flaw: str, some: set[str]) -> None:
    red = failed(await judged(flaw))
    assert some <= red
    if flaw == "accepts_expired":
        assert red == some


async def test_what_was_due_is_said_in_grpcs_words() -> None:
    red = [check for check in (await judged("accepts_expired")).checks[0] if check.outcome == "fail"]
    assert [check.detail for check in red] == ["got INVALID_ARGUMENT, UNAUTHENTICATED was due"]


async def test_health_that_never_serves_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.contracts.grpc.standard.LOOK_S", 0.0)
    monkeypatch.setattr("harness.contracts.grpc.standard._health", _never)
    assert failed(await judged()) == {"grpc.health"}


async def _never(channel: Any) -> str:
    return "NOT_SERVING"


async def test_without_the_standard_services_it_is_red() -> None:
    assert {"grpc.health", "grpc.reflection"} == failed(await judged(standard=False))


async def test_reflection_of_version_1_alone_is_enough() -> None:
    async def listed(requests: Any, context: Any) -> AsyncIterator[reflection_pb2.ServerReflectionResponse]:
        async for _ in requests:
            rows = [reflection_pb2.ServiceResponse(name=SERVICE)]
            found = reflection_pb2.ListServiceResponse(service=rows)
            yield reflection_pb2.ServerReflectionResponse(list_services_response=found)

    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(
        listed,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    methods = {"ServerReflectionInfo": handler}
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("grpc.reflection.v1.ServerReflection", methods),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    promises = Kept(None, "x/grpc", ([], []))  # type: ignore[arg-type]
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await check_standard(channel, METHOD, promises)
    finally:
        await server.stop(0)
    outcomes = {check.check: check.outcome for check in promises.checks[0]}
    assert outcomes == {"grpc.health": "fail", "grpc.reflection": "pass"}


async def test_where_nobody_listens_nothing_is_learnt() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        answer = await GrpcCaller(channel, "127.0.0.1:1", {}).send("GRPC", METHOD, timeout_s=5)
    assert (answer.code, answer.reached) == (None, False)


async def test_a_call_is_shown_as_a_command_without_its_secrets() -> None:
    desk = new_desk()
    async with door(desk, "") as address, grpc.aio.insecure_channel(address) as channel:
        caller = GrpcCaller(channel, address, {"authorization": "Bearer secret"})
        answer = await caller.send("GRPC", METHOD)
    assert answer.outcome == "UNAUTHENTICATED"
    assert answer.curl() == f'grpcurl -plaintext -H "authorization: $AUTHORIZATION" {address} {METHOD}'
    assert "secret" not in str(answer.payload())
