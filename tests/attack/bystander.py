"""Another client while an attack runs: what it waits for its answers, and what it loses."""

import http.client
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
from builders import a_chat, a_request

from attack.target import Addresses

PROJECT = "bystander"
PROBES = ("healthz", "list", "export-http", "export-grpc")
PAUSE_S = 0.05  # between two probes of a kind: 20 a second, so that the bystander is no load
TIMEOUT_S = 15.0  # of one probe with its retries; the issue asks for 1 s
RETRY_S = 0.1  # exporters wait longer; what counts is how long the server refuses
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
# What exporters retry, of that which a busy server says. Source: OTLP specification, failures.
RETRYABLE = (
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
)


@dataclass(slots=True)
class Waits:
    """What the bystander saw: seconds a probe, until the answer, retries included."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PROBES})
    failures: list[str] = field(default_factory=list)
    retries: int = 0  # answers 429, 503 and those in RETRYABLE that a retry mended
    acknowledged: set[str] = field(default_factory=set)  # trace ids

    def percentile_s(self, probe: str, share: float) -> float:
        """Return the smallest wait that `share` of the probes do not exceed; 0 without probes."""
        ordered = sorted(self.seconds[probe])
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class Bystander:
    """Runs the probes in a process of its own from `start` to `stop`."""

    def __init__(self, addresses: Addresses) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._here, there = spawn.Pipe()
        self._process = spawn.Process(
            target=_probe_until_told, args=(addresses, there), daemon=True
        )

    def start(self) -> None:
        """Return once every probe has succeeded or failed once."""
        self._process.start()
        if not self._here.poll(60):
            raise RuntimeError("the bystander did not start")
        self._here.recv()

    def stop(self) -> Waits:
        """End the probes and return what they saw."""
        self._here.send("stop")
        if not self._here.poll(TIMEOUT_S + 30):
            self._process.kill()
            raise RuntimeError("the bystander did not end")
        found: Waits = self._here.recv()
        self._process.join()
        return found


def _probe_until_told(addresses: Addresses, pipe) -> None:
    stopping = threading.Event()
    first = threading.Barrier(len(PROBES) + 1)
    waits = Waits()
    lock = threading.Lock()
    probes: dict[str, Callable[[], None]] = {
        "healthz": _Http(addresses.http, "GET", "/healthz"),
        "list": _Http(addresses.http, "GET", f"/api/v1/threads?project={PROJECT}&limit=5"),
        "export-http": _ExportHttp(addresses.otlp_http, waits, lock),
        "export-grpc": _ExportGrpc(addresses.otlp_grpc, waits, lock),
    }

    def run(name: str) -> None:
        met = False
        while not stopping.is_set():
            started = time.monotonic()
            failure = _patient(probes[name], waits, lock)
            with lock:
                waits.seconds[name].append(time.monotonic() - started)
                if failure:
                    waits.failures.append(f"{name}: {failure}")
            if not met:
                met = True
                first.wait()
            stopping.wait(PAUSE_S)

    threads = [threading.Thread(target=run, args=(name,), daemon=True) for name in PROBES]
    for thread in threads:
        thread.start()
    first.wait()
    with lock:  # the first of each opens its connection
        waits.seconds = {name: [] for name in PROBES}
    pipe.send("started")
    pipe.recv()
    stopping.set()
    for thread in threads:
        thread.join(TIMEOUT_S + 5)
    pipe.send(waits)


class _Retry(Exception):
    """The server says that the same request may succeed later."""


def _patient(probe: Callable[[], None], waits: Waits, lock: threading.Lock) -> str | None:
    """Ask until it succeeds, as exporters do; return what went wrong at last, None if nothing did."""
    end = time.monotonic() + TIMEOUT_S
    while True:
        try:
            probe()
            return None
        except _Retry as error:
            if time.monotonic() > end:
                return f"refused for {TIMEOUT_S:g} s: {error}"
            with lock:
                waits.retries += 1
            time.sleep(RETRY_S)
        except Exception as error:  # noqa: BLE001  # whatever it is, the bystander did not get its answer
            return f"{type(error).__name__}: {error}"[:300]


class _Http:
    def __init__(self, address: str, method: str, path: str) -> None:
        host, _, port = address.rpartition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_S)
        self._method, self._path = method, path

    def __call__(self) -> None:
        self.ask(None, {})

    def ask(self, body: bytes | None, headers: dict[str, str]) -> None:
        try:
            self._connection.request(self._method, self._path, body, headers)
            response = self._connection.getresponse()
            text = response.read()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            self._connection.close()  # an idle connection may be closed; a client opens another
            raise _Retry(repr(error)) from None
        except BaseException:
            self._connection.close()
            raise
        if response.status in (429, 503):
            raise _Retry(f"{response.status} {text[:200]!r}")
        if response.status != 200:
            raise RuntimeError(f"{response.status} {text[:200]!r}")


class _Export:
    def __init__(self, waits: Waits, lock: threading.Lock) -> None:
        self._waits, self._lock = waits, lock
        self._pending: tuple[str, bytes] | None = None

    def __call__(self) -> None:
        if self._pending is None:
            span = a_chat(f"bystander-{self.name}", "hello", "hi")
            payload = a_request(span, resource={"openinference.project.name": PROJECT})
            self._pending = span.trace_id.hex(), payload
        trace_id, payload = self._pending
        try:
            self.send(payload)
        except _Retry:
            raise
        except BaseException:
            self._pending = None
            raise
        self._pending = None
        with self._lock:
            self._waits.acknowledged.add(trace_id)


class _ExportHttp(_Export):
    name = "http"

    def __init__(self, address: str, waits: Waits, lock: threading.Lock) -> None:
        super().__init__(waits, lock)
        self._http = _Http(address, "POST", "/v1/traces")

    def send(self, payload: bytes) -> None:
        self._http.ask(payload, {"content-type": "application/x-protobuf"})


class _ExportGrpc(_Export):
    name = "grpc"

    def __init__(self, address: str, waits: Waits, lock: threading.Lock) -> None:
        super().__init__(waits, lock)
        self._call = grpc.insecure_channel(address).unary_unary(EXPORT)

    def send(self, payload: bytes) -> None:
        try:
            self._call(payload, timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            if error.code() in RETRYABLE:
                raise _Retry(f"{error.code().name} {error.details()}") from None
            raise RuntimeError(f"{error.code().name} {error.details()}") from None
