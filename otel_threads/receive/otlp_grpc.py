"""OTLP over gRPC: Trace, Logs and Metrics services, health and reflection.

Messages reach us as bytes: parsing them is decode's work. gRPC itself enforces the size limit
before and after decompression, with RESOURCE_EXHAUSTED and without RetryInfo.
"""

from collections.abc import Awaitable, Callable

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from otel_threads.metrics import REQUESTS
from otel_threads.model import Request, Signal
from otel_threads.ports import Clock, Intake
from otel_threads.receive import auth, status
from otel_threads.receive.answers import Answers

SERVICES = {
    Signal.TRACES: trace_service_pb2.DESCRIPTOR.services_by_name["TraceService"].full_name,
    Signal.LOGS: logs_service_pb2.DESCRIPTOR.services_by_name["LogsService"].full_name,
    Signal.METRICS: metrics_service_pb2.DESCRIPTOR.services_by_name["MetricsService"].full_name,
}


async def add_services(
    server: grpc.aio.Server, intake: Intake, *, token: str | None, clock: Clock
) -> None:
    """Give a server that has not started the three OTLP services, health and reflection."""
    answers = Answers()
    for signal, service in SERVICES.items():
        export = _export(signal, intake, answers, token, clock)
        handler = grpc.unary_unary_rpc_method_handler(export)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {"Export": handler}),)
        )
    await add_health_and_reflection(server, list(SERVICES.values()))


async def add_health_and_reflection(server: grpc.aio.Server, services: list[str]) -> None:
    """Give a server the standard health service, SERVING for each service, and reflection."""
    checks = health.aio.HealthServicer()
    for service in ("", *services):
        await checks.set(service, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    reflection.enable_server_reflection(
        (*services, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )


def options(*, request_bytes_max: int) -> list[tuple[str, int]]:
    """Return the channel options that every gRPC listener of ours is made with."""
    return [
        ("grpc.max_receive_message_length", request_bytes_max),  # gRPC's default is 4 MiB
        ("grpc.so_reuseport", 0),  # a port that is taken is an error, not shared in silence
    ]


def _export(
    signal: Signal, intake: Intake, answers: Answers, token: str | None, clock: Clock
) -> Callable[[bytes, grpc.aio.ServicerContext], Awaitable[bytes]]:
    taken = REQUESTS.labels("grpc", signal.value, "OK")

    async def export(payload: bytes, context: grpc.aio.ServicerContext) -> bytes:
        metadata = dict(context.invocation_metadata() or ())  # HTTP/2 knows lower case alone
        size_bytes = len(payload)
        reserved = False
        try:
            auth.check_token(metadata.get("authorization"), token)
            intake.reserve(size_bytes)
            reserved = True
            outcome = await answers.of(
                intake.submit(
                    Request(
                        signal=signal,
                        payload=payload,
                        project=auth.project(metadata),
                        vendor_project=auth.vendor_project(metadata),
                        received_unix_nano=clock(),
                    )
                )
            )
        except Exception as error:  # every failure becomes an answer
            code, _ = status.answer(error)
            REQUESTS.labels("grpc", signal.value, code.name).inc()
            detail = status.rpc_status(error)
            await context.abort(
                code,
                detail.message,
                (("grpc-status-details-bin", detail.SerializeToString()),),
            )
            raise AssertionError("abort always raises") from error
        finally:
            if reserved:
                intake.release(size_bytes)
        taken.inc()
        response: bytes = status.response(signal, outcome).SerializeToString()
        return response

    return export
