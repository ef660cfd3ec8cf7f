"""grpc.health.v1 and grpc.reflection.v1alpha, on both gRPC ports."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from otel_threads.grpc_port.refusal import Context, refuse
from otel_threads.grpc_port.server import Server

STOPPING = "the server is stopping"
NAME_LENGTH_MAX = 200  # of a service, as an error repeats it
REFLECTED_MAX = 1000  # requests of one call; grpcurl sends a few dozen
REQUEST_BYTES_MAX = 64 * 1024  # of health and reflection, which repeat what they are asked


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # it has no types
    """Each service that the port serves is well as long as the port is open. Needs no token."""

    def __init__(self, services: Collection[str], stopping: asyncio.Event) -> None:
        """Know services by name; `stopping` ends those who watch."""
        self._services = services
        self._stopping = stopping

    async def Check(self, request: Any, context: Context) -> Any:
        """Return that a service serves, or NOT_FOUND."""
        await _check_size(request, context)
        if not self._knows(request.service):
            text = f"there is no service {request.service[:NAME_LENGTH_MAX]}"
            await refuse(context, grpc.StatusCode.NOT_FOUND, text)
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)

    async def Watch(self, request: Any, context: Context) -> AsyncIterator[Any]:
        """Yield the status once, which changes only at the end: UNAVAILABLE."""
        await _check_size(request, context)
        known = self._knows(request.service)
        kind = health_pb2.HealthCheckResponse
        yield kind(status=kind.SERVING if known else kind.SERVICE_UNKNOWN)
        await self._stopping.wait()
        await refuse(context, grpc.StatusCode.UNAVAILABLE, STOPPING)

    def _knows(self, service: str) -> bool:
        return not service or service in self._services


class Reflection(reflection.ReflectionServicer):  # type: ignore[misc]  # it has no types
    """What grpcurl needs to do without our .proto files; to whoever may use the port."""

    def __init__(self, services: Collection[str], refusal: Callable[[Context], str | None]) -> None:
        """Tell of services; `refusal` says why a caller may not ask, None if he may."""
        super().__init__(services)
        self._refusal = refusal

    async def ServerReflectionInfo(
        self, requests: AsyncIterator[Any], context: Context
    ) -> AsyncIterator[Any]:
        """Answer one request after the other, each once the response before has been taken."""
        if reason := self._refusal(context):
            await refuse(context, grpc.StatusCode.UNAUTHENTICATED, reason)
        count = 0
        async for request in requests:
            count += 1
            await _check_size(request, context)
            if count > REFLECTED_MAX:
                text = f"{REFLECTED_MAX} requests in one call are the most: make another call"
                await refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
            for answer in super().ServerReflectionInfo(iter([request]), None):
                yield answer


def add(
    server: Server, services: Collection[str], refusal: Callable[[Context], str | None]
) -> None:
    """Serve health and reflection for the services of a port."""
    health_pb2_grpc.add_HealthServicer_to_server(Health(services, server.stopping), server)
    names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(Reflection(names, refusal), server)


async def _check_size(request: Any, context: Context) -> None:
    if (size := request.ByteSize()) > REQUEST_BYTES_MAX:
        text = f"a request of {size} bytes, {REQUEST_BYTES_MAX} allowed"
        await refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, text)


def metadata(context: Context) -> dict[str, str]:
    """Return the metadata of a call by name; of a name that comes twice, the last."""
    return {str(name): value for name, value in context.invocation_metadata() or ()}
