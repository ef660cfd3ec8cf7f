"""Traffic for a server that will be killed: OTLP over gRPC, HTTP with protobuf and with JSON; scores.

A request that was not acknowledged is kept and sent again, as exporters do: the server may hold it
already, and must not hold it twice.
"""

import base64
import contextlib
import gzip
import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import grpc
import httpx
from builders import a_chat, a_request, any_value
from google.protobuf.json_format import MessageToDict
from ledger import Ledger
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from served import Served

PROTOCOLS = ("grpc", "protobuf", "json")
METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
OLD_NS = 40 * 86_400 * 10**9  # how old the spans are that pruning takes
THREADS = 7  # conversations that all senders share; only these keep their scores
TIMEOUT_S = 30.0
RETRY_S = 0.05


@dataclass(frozen=True, slots=True)
class Request:
    """One export and the ledger keys of what it holds."""

    signal: str
    message: ExportTraceServiceRequest | ExportLogsServiceRequest
    keys: tuple[str, ...]


def spans_request(thread: str, count: int, text: str, *, age_ns: int = 0) -> Request:
    """Return an export of `count` chat requests of one thread, `text` in each."""
    start = time.time_ns() - age_ns
    spans = [a_chat(thread, f"question {n}", f"{text} {n}", start=start + n) for n in range(count)]
    message = ExportTraceServiceRequest.FromString(a_request(*spans))
    return Request("traces", message, tuple(f"span:{span.span_id.hex()}" for span in spans))


def logs_request(dice: random.Random, count: int) -> Request:
    """Return an export of GenAI events as log records, without a trace."""
    message = ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    names = [f"{dice.getrandbits(64):016x}" for _ in range(count)]
    for name in names:
        record = records.add(event_name="gen_ai.user.message", time_unix_nano=time.time_ns())
        record.body.CopyFrom(any_value(name))
    return Request("logs", message, tuple(f"log:{name}" for name in names))


def send(server: Served, request: Request, protocol: str, on_byte: Callable[[], None]) -> bool:
    """Send one request; return whether it was acknowledged.

    `on_byte` hears of the first byte of an HTTP response, before the rest is read.
    """
    if protocol == "grpc":
        return _send_grpc(server.address("otlp_grpc"), request)
    return _send_http(server.address("otlp_http"), request, protocol, on_byte)


def _send_grpc(address: str, request: Request) -> bool:
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(METHODS[request.signal])
        try:
            call(request.message.SerializeToString(), timeout=TIMEOUT_S)
        except grpc.RpcError:
            return False
        return True


def _send_http(address: str, request: Request, protocol: str, on_byte: Callable[[], None]) -> bool:
    body, kind = request.message.SerializeToString(), "application/x-protobuf"
    if protocol == "json":
        body, kind = json.dumps(_otlp_json(request.message)).encode(), "application/json"
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    with contextlib.closing(connection):
        try:
            headers = {"content-type": kind, "content-encoding": "gzip"}
            connection.request("POST", f"/v1/{request.signal}", gzip.compress(body, 1), headers)
            connection.sock.recv(1, socket.MSG_PEEK)
            on_byte()
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            return False
        return response.status == 200


def _otlp_json(message: ExportTraceServiceRequest | ExportLogsServiceRequest) -> object:
    """Return OTLP/JSON: as protobuf's JSON, but ids are hex."""

    def hexed(value: object) -> object:
        if isinstance(value, list):
            return [hexed(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {
            key: base64.b64decode(item).hex()
            if key in ("traceId", "spanId", "parentSpanId")
            else hexed(item)
            for key, item in value.items()
        }

    return hexed(MessageToDict(message, use_integers_for_enums=True))


class Traffic:
    """Senders that go on, over restarts, until they are stopped; they fill the ledger."""

    def __init__(
        self, server: Served, ledger: Ledger, seed: int, *, senders: int, text_bytes_max: int
    ) -> None:
        """Start the senders. Texts are random, so that neither WAL nor file compresses them away."""
        self._server = server
        self._ledger = ledger
        self._text_bytes_max = text_bytes_max
        self._stopped = threading.Event()
        self._going = threading.Event()  # cleared while the senders pause
        self._going.set()
        self.first_byte = threading.Event()  # of any HTTP response since it was last cleared
        self._senders = [
            threading.Thread(
                target=self._run, args=(random.Random(f"{seed} {n}"), PROTOCOLS[n % 3])
            )
            for n in range(senders)
        ]
        for sender in self._senders:
            sender.start()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Begin no further request meanwhile: under load the deriver yields, and may lag for minutes."""
        self._going.clear()
        try:
            yield
        finally:
            self._going.set()

    def stop(self) -> None:
        """Return once no sender runs; what they could not send stays in the ledger as sent."""
        self._stopped.set()
        self._going.set()
        for sender in self._senders:
            sender.join()

    def _run(self, dice: random.Random, protocol: str) -> None:
        waiting: Request | None = None
        while not self._stopped.is_set():
            self._going.wait()
            request = waiting or self._next(dice)
            self._ledger.sent(request.keys)
            if send(self._server, request, protocol, self.first_byte.set):
                self._ledger.acknowledged(request.keys)
                waiting = None
            else:
                waiting = request
                self._stopped.wait(RETRY_S)

    def _next(self, dice: random.Random) -> Request:
        if dice.random() < 0.15:
            return logs_request(dice, dice.randrange(1, 5))
        count = dice.choice((1, 1, 3, 10, 40))
        text = dice.randbytes(dice.randrange(20, self._text_bytes_max) // (2 * count) + 1).hex()
        return spans_request(f"t-{dice.randrange(THREADS)}", count, text)


def put_score(server: Served, ledger: Ledger, dice: random.Random) -> bool:
    """Score one of the shared threads under a new name; return whether it was acknowledged."""
    name = f"{dice.getrandbits(64):016x}"
    ledger.sent([f"score:{name}"])
    body = {"thread_id": f"t-{dice.randrange(THREADS)}", "name": name, "value": dice.random()}
    with contextlib.suppress(httpx.HTTPError):
        response = httpx.put(
            f"{server.rest}/api/v1/scores", json={"scores": [body]}, timeout=TIMEOUT_S
        )
        if response.status_code == 200:
            ledger.acknowledged([f"score:{name}"])
            return True
    return False


def send_all(server: Served, ledger: Ledger, requests: Sequence[Request]) -> list[Request]:
    """Send requests one after the other; return those that were acknowledged."""
    done = []
    for number, request in enumerate(requests):
        ledger.sent(request.keys)
        if send(server, request, PROTOCOLS[number % 3], lambda: None):
            ledger.acknowledged(request.keys)
            done.append(request)
    return done


def delete_threads(
    server: Served, ledger: Ledger, threads: Sequence[str], requests: Sequence[Request]
) -> bool:
    """Delete threads that hold just these requests; return whether it was acknowledged."""
    keys = [key for request in requests for key in request.keys]
    ledger.delete_sent(keys)
    with contextlib.suppress(httpx.HTTPError):
        response = server.post("/threads/delete", {"thread_ids": list(threads)})
        if response.status_code == 200 and not response.json()["not_found"]:
            ledger.deleted(keys)
            return True
    return False


def prune(server: Served, ledger: Ledger, requests: Sequence[Request], traces_max: int) -> bool:
    """Delete all that is older than 30 days, slice by slice: these requests; True when all is gone."""
    keys = [key for request in requests for key in request.keys]
    ledger.delete_sent(keys)
    with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
        while True:
            body = {"older_than_days": 30, "traces_max": traces_max}
            response = server.post("/prune", body)
            if response.status_code == 503:
                continue
            if response.status_code != 200:
                return False
            if not response.json()["remaining"]:
                ledger.deleted(keys)
                return True
    return False
