"""What attackers share: requests that are counted, many at once, and payloads made fast."""

import http.client
import json
import threading
from collections.abc import Callable, Iterable

from attack.kit import Budget, Outcome
from attack.target import Addresses

API = "/api/v1"
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


class Client:
    """One connection; each answer is counted by its status, each failure by its name."""

    def __init__(self, address: str, outcome: Outcome, budget: Budget) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._outcome, self._budget = outcome, budget
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: dict | None = None,
    ) -> bytes | None:
        """Send one request, an iterable in chunks; return the response's body, None without one."""
        self._budget.spend(len(path) + (len(body) if isinstance(body, bytes) else 0) + 100)
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                self._host, self._port, timeout=self._budget.seconds() + 20
            )
        try:
            self._connection.request(method, path, body, headers or {})
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._connection = None
            self._outcome.answers[type(error).__name__] += 1
            return None
        self._outcome.answers[str(response.status)] += 1
        return text

    def put(self, method: str, path: str, value: object) -> bytes | None:
        """Send a value as JSON."""
        return self.ask(method, API + path, json.dumps(value).encode(), JSON)


def each(
    address: str, budget: Budget, ask: Callable[[Client], object], *, clients: int = 1
) -> Outcome:
    """Call `ask` with a client of its own in so many threads until the budget is spent."""
    outcome = Outcome()
    budget.begin()

    def work() -> None:
        client = Client(address, outcome, budget)
        while budget.left():
            ask(client)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


def export(addresses: Addresses, budget: Budget, payloads: list[bytes]) -> Outcome:
    """Send each payload once over OTLP/HTTP, in order."""
    outcome = Outcome()
    budget.begin()
    client = Client(addresses.otlp_http, outcome, budget)
    for payload in payloads:
        if budget.left():
            client.ask("POST", "/v1/traces", payload, PROTOBUF)
    return outcome


def varint(number: int) -> bytes:
    """Return protobuf's encoding of a number that is not negative."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def field(number: int, body: bytes) -> bytes:
    """Return a length-delimited field."""
    return varint(number << 3 | 2) + varint(len(body)) + body


def attribute(key: str, value: str | bytes) -> bytes:
    """Return a KeyValue with a text."""
    text = value.encode() if isinstance(value, str) else value
    return field(1, key.encode()) + field(2, field(1, text))


def span(
    trace: int,
    number: int,
    attributes: dict[str, str | bytes] | None = None,
    *,
    parent: int | None = None,
    start: int,
    end: int | None = None,
    name: str = "chat",
    more: bytes = b"",
) -> bytes:
    """Return a Span, much faster than the protobuf classes build one."""
    made = [
        field(1, trace.to_bytes(16, "big")),
        field(2, number.to_bytes(8, "big")),
        field(4, parent.to_bytes(8, "big")) if parent is not None else b"",
        field(5, name.encode()),
        b"\x39" + start.to_bytes(8, "little"),
        b"\x41" + (start + 1000 if end is None else end).to_bytes(8, "little"),
        *(field(9, attribute(key, value)) for key, value in (attributes or {}).items()),
        more,
    ]
    return b"".join(made)


def request(spans: list[bytes], *, scope: str = "hostile", resource: bytes = b"") -> bytes:
    """Return an ExportTraceServiceRequest with spans of one scope."""
    scope_spans = field(1, field(1, scope.encode())) + b"".join(field(2, one) for one in spans)
    return field(1, field(1, resource) + field(2, scope_spans))
