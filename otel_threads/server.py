"""Opens the ports in front of an engine, and stops in the order of the data path."""

import asyncio
import contextlib
import faulthandler
import functools
import json
import logging
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import anyio.to_thread
from starlette.types import ASGIApp

from otel_threads import durable, handover, process
from otel_threads.api import rpc
from otel_threads.api.rest import app as rest
from otel_threads.api.rights import Rights
from otel_threads.core.config import Config, endpoint
from otel_threads.core.errors import NotConfigured
from otel_threads.descriptors import DescriptorBudget, descriptor_budget, open_count, raise_limit
from otel_threads.engine import Engine, LakeEngine
from otel_threads.grpc_port.limits import Limits
from otel_threads.grpc_port.loop import LoopThread
from otel_threads.grpc_port.server import CannotListen, Server, credentials
from otel_threads.http_port.access import Access
from otel_threads.http_port.cors import AllowedOrigins
from otel_threads.http_port.hosts import allowed_hosts
from otel_threads.http_port.limits import HttpLimits
from otel_threads.http_port.port import HttpPort
from otel_threads.ingest import demo_requests
from otel_threads.receive import http_refusals, otlp_grpc, otlp_http
from otel_threads.receive.auth import Senders
from otel_threads.refusals import Refusals
from otel_threads.vendors.doors import DoorLimits, Doors
from otel_threads.vendors.keys import Keys
from otel_threads.vendors.langsmith import app as langsmith
from otel_threads.vendors.opik import app as opik

logger = logging.getLogger(__name__)

BACKLOG = 4096  # connections that the kernel keeps until they are accepted; Linux's own most
QUERY_REQUEST_BYTES_MAX = 16 * 1024 * 1024  # of the query API over gRPC
STOP_GRACE_S = 2.0  # of each port in turn, for requests that were taken before the stop
# Past it the process ends as it is. All that was answered is on disk, and found at the next start.
STOP_S_MAX = 9.0
# That answer REST at once, of both HTTP ports. Each may hold a page of a megabyte, as rows and as
# JSON; two cores have no use for the 40 that are usual.
HTTP_THREADS = 12
LISTENERS = ("otlp_grpc", "otlp_http", "http", "grpc")


class ListenError(Exception):
    """A port cannot be listened on; the message names it."""


async def serve(
    config: Config,
    *,
    ready_file: str | None = None,
    announce: Callable[[str], None] = print,
    on_ready: Callable[[dict[str, str]], None] = lambda _: None,
    on_stop: Callable[[], object] = lambda: None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run until SIGTERM, SIGINT or `stop`; then finish what was taken and close the file.

    `on_stop` hears that the stop begins.

    Raises:
        DatabaseRefused, ListenError: the server could not start; the message says why.
    """
    anyio.to_thread.current_default_thread_limiter().total_tokens = HTTP_THREADS
    before = handover.server_info(config.database)
    config = handover.with_ports_of(config, before)
    engine = await handover.opened(Engine, config)
    try:
        await handover.wait_for_ports(config, before)
        async with contextlib.AsyncExitStack() as ports:
            listening = await _open_ports(config, engine, ports)
            if config.tune_process:
                process.release_code()
            stop = stop or asyncio.Event()
            # Before anything says that it is ready: who reads that may ask it to stop at once.
            ports.enter_context(_stopped_by_signals(stop))
            _tell(announce, config, listening)
            engine.otlp_http = listening["otlp_http"]
            note = Path(f"{config.database}.server.json")
            _write(note, {**handover.identity(), **listening})
            if ready_file:
                _write(Path(ready_file), listening)
            on_ready(listening)
            await stop.wait()
            announce("stopping")
            on_stop()
            engine.close_readers()  # else they would hold the ports open
            with contextlib.suppress(FileNotFoundError):
                note.unlink()
    finally:
        await asyncio.to_thread(engine.close)


def _tell(announce: Callable[[str], None], config: Config, listening: dict[str, str]) -> None:
    for name in LISTENERS:
        label = name.replace("_", "/")
        announce(f"listening  {label:<9}  {listening[name]}")
    _warn_if_open(config, listening)


async def serve_lake(
    config: Config,
    *,
    ready_file: str | None = None,
    announce: Callable[[str], None] = print,
    on_stop: Callable[[], object] = lambda: None,
) -> None:
    """Answer from the lake until SIGTERM or SIGINT: the ports of those who read, and no others.

    Raises:
        DatabaseRefused, NotConfigured, ListenError: the server could not start.
    """
    anyio.to_thread.current_default_thread_limiter().total_tokens = HTTP_THREADS
    engine = await asyncio.to_thread(LakeEngine, config)
    stop = asyncio.Event()
    try:
        async with contextlib.AsyncExitStack() as ports:
            listening = await _open_reading_ports(config, engine, ports)
            ports.enter_context(_stopped_by_signals(stop))
            for name, address in listening.items():
                announce(f"listening  {name:<9}  {address}")
            _warn_if_open(config, listening)
            if ready_file:
                _write(Path(ready_file), listening)
            await stop.wait()
            announce("stopping")
            on_stop()
            engine.close_readers()
    finally:
        await asyncio.to_thread(engine.close)


async def _open_reading_ports(
    config: Config, engine: LakeEngine, ports: contextlib.AsyncExitStack
) -> dict[str, str]:
    rights = Rights(config.read_token, config.write_token)
    descriptors = descriptor_budget(raise_limit(), opened=open_count())
    loop = LoopThread("grpc")
    ports.callback(loop.close)
    limits = _query_limits(config, descriptors=descriptors.grpc)
    query = await loop.run(rpc.server(engine.services, rights=rights, limits=limits))
    otlp_grpc.refuse_on(query, Refusals("grpc"))
    application = rest.app(
        engine.services,
        ready=engine.trouble,
        rebuild=_not_here,
        load_samples=_not_here,
        refresh_metrics=lambda: None,
        rights=rights,
    )
    return {
        "grpc": await _open_grpc(query, loop, "grpc_endpoint", config, ports),
        "http": await _open_http(
            application,
            "http_endpoint",
            config,
            ports,
            descriptors=descriptors.http,
            refusals=Refusals("http"),
            refuse=rest.refusal,
            guarded_paths=rest.GUARDED_PATHS,
        ),
    }


def _not_here() -> NoReturn:
    raise NotConfigured("this server reads a lake and writes nothing")


async def _open_ports(
    config: Config, engine: Engine, ports: contextlib.AsyncExitStack
) -> dict[str, str]:
    """Open all four listeners; the stack closes them, receivers first."""
    rights = Rights(config.read_token, config.write_token)
    refusals = {name: Refusals(name) for name in LISTENERS}
    engine.receivers = tuple(refusals[name] for name in ("otlp_grpc", "otlp_http", "grpc"))
    receiver = _receiver_app(config, engine, refusals["otlp_http"])
    descriptors = descriptor_budget(raise_limit(), opened=open_count())
    loop = LoopThread("grpc")
    ports.callback(loop.close)
    query, otlp = await _grpc_servers(
        config, engine, rights, loop, descriptors, refusals["otlp_grpc"]
    )
    otlp_grpc.refuse_on(query, refusals["grpc"])
    listening = {}
    # Closed in the opposite order: the receivers first, what people read last.
    listening["grpc"] = await _open_grpc(query, loop, "grpc_endpoint", config, ports)
    listening["http"] = await _open_http(
        _http_app(config, engine, rights, receiver),
        "http_endpoint",
        config,
        ports,
        descriptors=descriptors.http,
        refusals=refusals["http"],
        refuse=rest.refusal,
        guarded_paths=rest.GUARDED_PATHS,
    )
    listening["otlp_http"] = await _open_http(
        receiver,
        "otlp_http_endpoint",
        config,
        ports,
        descriptors=descriptors.otlp_http,
        refusals=refusals["otlp_http"],
        refuse=http_refusals.refusal,
        browsers_only=True,
    )
    listening["otlp_grpc"] = await _open_grpc(otlp, loop, "otlp_grpc_endpoint", config, ports)
    return listening


def _http_app(config: Config, engine: Engine, rights: Rights, receiver: ASGIApp) -> ASGIApp:
    """Return what the REST port serves: our calls, those of other products' SDKs, and OTLP."""
    return Doors(
        _rest_app(config, engine, rights),
        (
            opik.vendor(engine.services, engine.door),
            langsmith.vendor(
                engine.services, engine.door, values_max=config.values_per_request_max
            ),
        ),
        otlp=receiver,
        intake=engine.door,
        limits=DoorLimits(
            request_bytes_max=config.request_bytes_max,
            unfinished_bytes_max=config.inflight_bytes_max // 2,
            values_max=config.values_per_request_max,
        ),
        keys=Keys(config.ingest_token, config.read_token, config.write_token),
        clock=time.time_ns,
    )


def _rest_app(config: Config, engine: Engine, rights: Rights) -> ASGIApp:
    return rest.app(
        engine.services,
        ready=engine.trouble,
        rebuild=engine.rebuild,
        load_samples=functools.partial(demo_requests.load, engine.door),
        refresh_metrics=engine.refresh_metrics,
        rights=rights,
    )


def _receiver_app(config: Config, engine: Engine, refusals: Refusals) -> ASGIApp:
    return otlp_http.app(
        engine.door,
        request_bytes_max=config.request_bytes_max,
        # Half: what is whole, and what comes over gRPC, has room whoever sends slowly.
        unfinished_bytes_max=config.inflight_bytes_max // 2,
        senders=_senders(config, engine),
        clock=time.time_ns,
        refusals=refusals,
    )


def _senders(config: Config, engine: Engine) -> Senders:
    return Senders(token=config.ingest_token, project_headers=engine.project_headers)


async def _grpc_servers(
    config: Config,
    engine: Engine,
    rights: Rights,
    loop: LoopThread,
    descriptors: DescriptorBudget,
    refusals: Refusals,
) -> tuple[Server, Server]:
    """Return the servers of the query API and of OTLP, neither open yet."""
    query_limits = _query_limits(config, descriptors=descriptors.grpc)
    query = await loop.run(rpc.server(engine.services, rights=rights, limits=query_limits))
    otlp = await loop.run(
        otlp_grpc.server(
            engine.door,
            limits=_otlp_limits(config, descriptors=descriptors.otlp_grpc),
            senders=_senders(config, engine),
            clock=time.time_ns,
            refusals=refusals,
        )
    )
    return query, otlp


def _otlp_limits(config: Config, *, descriptors: int) -> Limits:
    return Limits(
        request_bytes_max=config.request_bytes_max,
        receiving_bytes_max=config.receiving_bytes_max,
        connections_max=min(config.grpc_connections_max, descriptors),
        asked_at_once=128,
    )


def _query_limits(config: Config, *, descriptors: int) -> Limits:
    return Limits(
        request_bytes_max=min(config.request_bytes_max, QUERY_REQUEST_BYTES_MAX),
        receiving_bytes_max=config.receiving_bytes_max,
        connections_max=min(config.grpc_connections_max, descriptors),
    )


async def _open_grpc(
    server: Server,
    loop: LoopThread,
    setting: str,
    config: Config,
    ports: contextlib.AsyncExitStack,
) -> str:
    host, port = endpoint(getattr(config, setting), setting=setting)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        tls = credentials(config.tls_cert_file, config.tls_key_file, config.tls_client_ca_file)
        bound = await loop.run(server.open(address, tls))
    except (CannotListen, OSError) as error:
        raise ListenError(f"cannot listen on {setting} {address}: {error}") from None

    async def close() -> None:
        await loop.run(server.close(STOP_GRACE_S))

    ports.push_async_callback(close)
    return f"{host}:{bound}"


async def _open_http(
    application: ASGIApp,
    setting: str,
    config: Config,
    ports: contextlib.AsyncExitStack,
    *,
    descriptors: int,
    refusals: Refusals,
    **access: Any,
) -> str:
    """Open one HTTP port that holds at most `descriptors` connections, and return its address."""
    listener, address = _listen(setting, config)
    try:
        tls = _http_tls(config)
    except OSError as error:
        raise ListenError(f"cannot listen on {setting} {address}: {error}") from None
    hosts = allowed_hosts(config.allowed_hosts, bound=address.rpartition(":")[0].strip("[]"))
    origins = AllowedOrigins(config.cors_allowed_origins)
    server = HttpPort(
        Access(application, hosts=hosts, origins=origins, refusals=refusals, **access),
        listener=listener,
        limits=http_limits(config, descriptors=descriptors),
        refusals=refusals,
        tls=tls,
        stop_grace_s=STOP_GRACE_S,
    )
    running = asyncio.create_task(server.serve())
    await server.listening.wait()

    async def close() -> None:
        server.should_exit = True
        await running

    ports.push_async_callback(close)
    return address


def http_limits(config: Config, *, descriptors: int) -> HttpLimits:
    """Return the limits of one HTTP port that may hold so many descriptors."""
    return HttpLimits(
        connections_max=min(config.http_connections_max, descriptors),
        idle_timeout_s=config.http_idle_timeout_s,
        header_bytes_max=config.http_header_bytes_max,
        header_timeout_s=config.http_header_timeout_s,
        body_timeout_s=config.http_body_timeout_s,
        write_timeout_s=config.http_write_timeout_s,
    )


def _http_tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls_cert_file:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=config.tls_client_ca_file)
    context.load_cert_chain(config.tls_cert_file, config.tls_key_file)
    context.set_alpn_protocols(["http/1.1"])
    if config.tls_client_ca_file:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _listen(setting: str, config: Config) -> tuple[socket.socket, str]:
    """Return a listening socket and its address as it is shown."""
    host, port = endpoint(getattr(config, setting), setting=setting)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ListenError(f"cannot listen on {setting} {host}:{port}: {error.strerror}") from None
    return listener, f"{host}:{listener.getsockname()[1]}"


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` at SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _warn_if_open(config: Config, listening: dict[str, str]) -> None:
    tokens = {
        "otlp_grpc": config.ingest_token,
        "otlp_http": config.ingest_token,
        "http": config.read_token,
        "grpc": config.read_token,
    }
    for name, address in listening.items():
        host = address.rpartition(":")[0]
        if host not in ("127.0.0.1", "::1", "localhost") and not tokens[name]:
            kind = "ingest_token" if name.startswith("otlp") else "read_token"
            logger.warning(
                "%s listens on %s without a token: anybody who reaches it can use it; set %s",
                name,
                address,
                kind,
            )


def _write(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON so that a reader sees all of it or no file."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    durable.sync(partial)
    durable.replace(partial, path)


def run(config: Config, *, from_lake: bool = False, **options: Any) -> None:
    """Run `serve` in an event loop of its own, uvloop where there is one."""
    job = serve_lake if from_lake else serve
    if config.tune_process:
        process.tune()
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(job(config, on_stop=_end_in_time, **options))
    signal.setitimer(signal.ITIMER_REAL, 0)  # stopped in time: what follows may take longer


def _end_in_time() -> None:
    """End the process by SIGALRM once its stop takes too long, whatever hangs: the last resort.

    The kernel counts the time and faulthandler answers the signal, so that it needs no new thread
    and no interpreter: it writes where each thread is, and lets the signal end the process.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)
    signal.setitimer(signal.ITIMER_REAL, STOP_S_MAX)
    asyncio.get_running_loop().call_later(STOP_S_MAX - 0.5, _warn_of_end)


def _warn_of_end() -> None:
    logger.warning(
        "not stopped after %g s: it ends as it is, and stderr says where each thread is; "
        "what was answered is on disk",
        STOP_S_MAX,
    )
