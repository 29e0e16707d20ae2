"""The two services that every gRPC server should have beside its own: health and reflection."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.contracts.promises import Promises

TIMEOUT_S = 10.0
LOOKS, LOOK_S = 20, 0.5
VERSIONS = ("v1", "v1alpha")


async def check_standard(channel: Any, guarded: str, promises: Promises) -> None:
    """Health says SERVING to whoever asks, within ten seconds; reflection lists the service of the method `guarded`."""
    import grpc

    service = guarded.partition("/")[0]
    title = "the standard health service says SERVING, without a token"
    try:
        said = await _health(channel)
        for _ in range(LOOKS):  # what it needs may just have been away; a server looks from time to time
            if said == "SERVING":
                break
            await asyncio.sleep(LOOK_S)
            said = await _health(channel)
        promises.judge(
            said == "SERVING", "grpc.health", "grpc.health.v1.Health", title,
            detail=f"it says {said}", fix="serve grpc.health.v1.Health, and keep it to what /ready says",
        )  # fmt: skip
    except grpc.aio.AioRpcError as error:
        promises.broken(
            "grpc.health", "grpc.health.v1.Health", title, detail=f"{error.code().name}: {error.details()}",
            fix="serve grpc.health.v1.Health; probes come before anybody has a token",
        )  # fmt: skip
    title = "reflection lists the service"
    try:
        listed = await _listed(channel)
        promises.judge(
            service in listed, "grpc.reflection", service, title, detail=f"it lists {', '.join(sorted(listed))}",
            fix="register the service's name with the reflection service",
        )  # fmt: skip
    except (grpc.aio.AioRpcError, TimeoutError) as error:
        text = error.code().name if isinstance(error, grpc.aio.AioRpcError) else "no answer"
        promises.broken("grpc.reflection", service, title, detail=text, fix="serve grpc.reflection.v1 or v1alpha")


async def _health(channel: Any) -> str:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


async def _listed(channel: Any) -> list[str]:
    """By the first version of reflection that answers; their messages are the same. The last one's word counts.

    Any refusal of the others is passed over: UNIMPLEMENTED comes as INTERNAL where the client was still sending.
    """
    import grpc

    *earlier, last = VERSIONS
    for version in earlier:
        try:
            return await asyncio.wait_for(_listed_by(channel, version), TIMEOUT_S)
        except (grpc.aio.AioRpcError, TimeoutError):
            continue
    return await asyncio.wait_for(_listed_by(channel, last), TIMEOUT_S)


async def _listed_by(channel: Any, version: str) -> list[str]:
    from grpc_reflection.v1alpha import reflection_pb2 as pb

    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=pb.ServerReflectionRequest.SerializeToString,
        response_deserializer=pb.ServerReflectionResponse.FromString,
    )
    async for answer in call(iter([pb.ServerReflectionRequest(list_services="")])):
        return [str(row.name) for row in answer.list_services_response.service]
    return []
