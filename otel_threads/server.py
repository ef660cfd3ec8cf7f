"""Opens the ports in front of an engine, and stops in the order of the data path."""

import asyncio
import contextlib
import functools
import json
import logging
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import uvicorn

from otel_threads import process
from otel_threads.api import rpc
from otel_threads.api.rest import app as rest
from otel_threads.api.rights import Rights
from otel_threads.config import Config, endpoint
from otel_threads.engine import Engine
from otel_threads.receive import otlp_grpc, otlp_http, samples
from otel_threads.receive.calls import Method
from otel_threads.receive.grpc_port import GrpcPort, tls_context

logger = logging.getLogger(__name__)

STOP_GRACE_S = 2.0  # of each port in turn, for requests that were taken before the stop
# Past it the process ends as it is. All that was answered is on disk, and found at the next start.
STOP_S_MAX = 9.0
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
    engine = await asyncio.to_thread(Engine, config)
    try:
        async with contextlib.AsyncExitStack() as ports:
            listening = await _open_ports(config, engine, ports)
            process.let_go_of_code()
            for name in LISTENERS:
                label = name.replace("_", "/")
                announce(f"listening  {label:<9}  {listening[name]}")
            _warn_if_open(config, listening)
            engine.otlp_http = listening["otlp_http"]
            note = Path(f"{config.database}.server.json")
            _write(note, {"pid": os.getpid(), **listening})
            if ready_file:
                _write(Path(ready_file), listening)
            on_ready(listening)
            await _until_stopped(stop or asyncio.Event())
            announce("stopping")
            on_stop()
            engine.let_go_of_readers()  # else they would hold the ports open
            with contextlib.suppress(FileNotFoundError):
                note.unlink()
    finally:
        await asyncio.to_thread(engine.close)


async def _open_ports(
    config: Config, engine: Engine, ports: contextlib.AsyncExitStack
) -> dict[str, str]:
    """Open all four listeners; the stack closes them, receivers first."""
    rights = Rights(config.read_token, config.write_token)
    http = rest.app(
        engine.verbs,
        ready=engine.trouble,
        rebuild=engine.rebuild,
        load_samples=functools.partial(samples.load, engine.intake),
        refresh_metrics=engine.refresh_metrics,
        rights=rights,
    )
    receiver = otlp_http.app(
        engine.intake,
        request_bytes_max=config.request_bytes_max,
        token=config.ingest_token,
        clock=time.time_ns,
    )
    query = await rpc.server(
        engine.verbs, rights=rights, request_bytes_max=config.request_bytes_max
    )
    otlp = otlp_grpc.methods(
        engine.intake,
        request_bytes_max=config.request_bytes_max,
        token=config.ingest_token,
        clock=time.time_ns,
    )
    listening = {}
    # Closed in the opposite order: the receivers first, what people read last.
    listening["grpc"] = await _open_grpc(query, "grpc_endpoint", config, ports)
    listening["http"] = await _open_http(http, "http_endpoint", config, ports)
    listening["otlp_http"] = await _open_http(receiver, "otlp_http_endpoint", config, ports)
    listening["otlp_grpc"] = await _open_otlp_grpc(otlp, "otlp_grpc_endpoint", config, ports)
    return listening


async def _open_grpc(
    server: grpc.aio.Server, setting: str, config: Config, ports: contextlib.AsyncExitStack
) -> str:
    host, port = endpoint(getattr(config, setting), setting=setting)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        credentials = _grpc_credentials(config)
        if credentials:
            bound = server.add_secure_port(address, credentials)
        else:
            bound = server.add_insecure_port(address)
    except (RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0] if isinstance(error, OSError) else "is it in use?"
        raise ListenError(f"cannot listen on {setting} {address}: {reason}") from None
    if not bound:
        raise ListenError(f"cannot listen on {setting} {address}: is it in use?")
    await server.start()
    ports.push_async_callback(server.stop, STOP_GRACE_S)
    return f"{host}:{bound}"


async def _open_http(
    application: Any, setting: str, config: Config, ports: contextlib.AsyncExitStack
) -> str:
    listener, address = _listen(setting, config)
    server = _Http(
        uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=int(STOP_GRACE_S),
            ssl_certfile=config.tls_cert_file,
            ssl_keyfile=config.tls_key_file,
            ssl_ca_certs=config.tls_client_ca_file,
            ssl_cert_reqs=ssl.CERT_REQUIRED if config.tls_client_ca_file else ssl.CERT_NONE,
        )
    )
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await server.listening.wait()

    async def close() -> None:
        server.should_exit = True
        await running

    ports.push_async_callback(close)
    return address


async def _open_otlp_grpc(
    methods: Mapping[str, Method], setting: str, config: Config, ports: contextlib.AsyncExitStack
) -> str:
    listener, address = _listen(setting, config)
    try:
        tls = tls_context(config.tls_cert_file, config.tls_key_file, config.tls_client_ca_file)
    except OSError as error:
        raise ListenError(f"cannot listen on {setting} {address}: {error}") from None
    port = GrpcPort(methods)
    await port.open(listener, tls)
    ports.push_async_callback(port.close, STOP_GRACE_S)
    return address


def _listen(setting: str, config: Config) -> tuple[socket.socket, str]:
    """Return a listening socket and its address as it is shown."""
    host, port = endpoint(getattr(config, setting), setting=setting)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise ListenError(f"cannot listen on {setting} {host}:{port}: {error.strerror}") from None
    return listener, f"{host}:{listener.getsockname()[1]}"


class _Http(uvicorn.Server):
    """uvicorn without its signal handlers, and with a way to know that it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


def _grpc_credentials(config: Config) -> grpc.ServerCredentials | None:
    if not config.tls_cert_file or not config.tls_key_file:
        return None
    authority = Path(config.tls_client_ca_file).read_bytes() if config.tls_client_ca_file else None
    return grpc.ssl_server_credentials(
        [(Path(config.tls_key_file).read_bytes(), Path(config.tls_cert_file).read_bytes())],
        root_certificates=authority,
        require_client_auth=authority is not None,
    )


async def _until_stopped(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
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


def _write(path: Path, content: dict[str, Any]) -> None:
    """Write JSON so that a reader sees all of it or no file."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(path)


def run(config: Config, **options: Any) -> None:
    """Run `serve` in an event loop of its own, uvloop where there is one."""
    process.tune()
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(config, on_stop=_end_in_time, **options))


def _end_in_time() -> None:
    """End the process once its stop takes too long, whatever hangs: the last resort."""
    timer = threading.Timer(STOP_S_MAX, _end)
    timer.daemon = True
    timer.start()


def _end() -> None:
    logger.warning(
        "not stopped after %g s: ending as it is; what was answered is on disk", STOP_S_MAX
    )
    logging.shutdown()
    os._exit(0)
