"""REST against callers that mean harm: bodies, filters, cursors, lists, streams, jobs, pages."""

import base64
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from attack.kit import ATTACKS, Budget, Outcome, attack, check, names, run
from attack.target import Addresses
from attack.tools import API, JSON, Client, each

BODY_BYTES = 15 << 20  # nearly as much as REST takes


# Bodies


def _bodies(addresses: Addresses, budget: Budget, method: str, path: str, body: bytes, clients=2):
    return each(
        addresses.http, budget, lambda c: c.ask(method, API + path, body, JSON), clients=clients
    )


@attack("rest")
def json_nested_a_million_deep(addresses: Addresses, budget: Budget) -> Outcome:
    """A body of opening brackets."""
    return _bodies(addresses, budget, "PUT", "/scores", b"[" * 1_000_000)


@attack("rest")
def json_objects_nested_in_objects(addresses: Addresses, budget: Budget) -> Outcome:
    """A body of objects in objects, closed properly."""
    body = b'{"scores":' * 100_000 + b"1" + b"}" * 100_000
    return _bodies(addresses, budget, "PUT", "/scores", body)


@attack("rest")
def json_of_five_million_lists(addresses: Addresses, budget: Budget) -> Outcome:
    """15 MiB of empty lists where scores are expected."""
    body = b'{"scores":[' + b"[]," * (BODY_BYTES // 3) + b"[]]}"
    return _bodies(addresses, budget, "PUT", "/scores", body)


@attack("rest")
def json_of_two_million_unknown_fields(addresses: Addresses, budget: Budget) -> Outcome:
    """Each field that a body does not know is an error to be collected."""
    keys = b",".join(b'"%x":1' % n for n in range(1_600_000))
    return _bodies(addresses, budget, "PUT", "/scores", b'{"scores":[],' + keys + b"}")


@attack("rest")
def scores_with_a_million_unknown_fields_each(addresses: Addresses, budget: Budget) -> Outcome:
    """A thousand scores with fifteen hundred unknown fields each."""
    one = b"{" + b",".join(b'"%x":1' % n for n in range(1_500)) + b"}"
    body = b'{"scores":[' + b",".join([one] * 1000) + b"]}"
    return _bodies(addresses, budget, "PUT", "/scores", body)


@attack("rest")
def thread_ids_by_the_million(addresses: Addresses, budget: Budget) -> Outcome:
    """A list of two and a half million ids to delete."""
    body = b'{"thread_ids":[' + b'"a",' * (BODY_BYTES // 4) + b'"b"]}'
    return _bodies(addresses, budget, "POST", "/threads/delete", body)


@attack("rest")
def numbers_of_a_million_digits(addresses: Addresses, budget: Budget) -> Outcome:
    """Python reads integers in quadratic time."""
    body = b'{"scores":[{"thread_id":"t","name":"n","value":' + b"9" * 4_000_000 + b"}]}"
    return _bodies(addresses, budget, "PUT", "/scores", body)


@attack("rest")
def a_hundred_bodies_of_fifteen_mebibytes_at_once(addresses: Addresses, budget: Budget) -> Outcome:
    """Bodies that are sent to the last byte but one, and then held."""
    outcome, sockets = Outcome(), []
    host, _, port = addresses.http.rpartition(":")
    head = (
        f"PUT {API}/scores HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"content-length: {BODY_BYTES}\r\n\r\n"
    ).encode()
    chunk = b" " * (BODY_BYTES - 1)

    def send() -> None:
        try:
            one = socket.create_connection((host, int(port)), timeout=budget.seconds())
            sockets.append(one)
            one.sendall(head + chunk)
            outcome.answers["sent"] += 1
        except OSError as error:
            outcome.answers[type(error).__name__] += 1

    threads = [threading.Thread(target=send, daemon=True) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while budget.left():
        time.sleep(0.05)
    return outcome


@attack("rest")
def scores_of_ten_thousand_characters_by_the_thousand(
    addresses: Addresses, budget: Budget
) -> Outcome:
    """The largest body that is right, again and again."""
    score = {"thread_id": "t", "name": "n", "value": 1, "reason": "x" * 10_000}
    body = json.dumps({"scores": [score | {"thread_id": f"t{n}"} for n in range(1000)]}).encode()
    return _bodies(addresses, budget, "PUT", "/scores", body, clients=4)


@attack("rest")
def reasons_of_a_megabyte(addresses: Addresses, budget: Budget) -> Outcome:
    """Scores whose reasons are a hundred times too long."""
    score = {"thread_id": "t", "name": "n", "value": 1, "reason": "x" * 1_000_000}
    return _bodies(
        addresses, budget, "PUT", "/scores", json.dumps({"scores": [score] * 15}).encode()
    )


@attack("rest")
def comments_of_sixty_four_megabytes(addresses: Addresses, budget: Budget) -> Outcome:
    """More than a body may hold, announced and in chunks."""
    body = json.dumps({"thread_id": "t", "text": "x" * (64 << 20)}).encode()

    def chunks() -> Iterator[bytes]:
        for at in range(0, len(body), 1 << 20):
            yield body[at : at + (1 << 20)]

    def both(client: Client) -> None:
        client.ask("POST", f"{API}/comments", body, JSON)
        client.ask("POST", f"{API}/comments", chunks(), JSON)

    return each(addresses.http, budget, both)


@attack("rest")
def tags_by_the_hundred_thousand(addresses: Addresses, budget: Budget) -> Outcome:
    """Fifty tags at most may be added to a thousand threads; others are refused."""
    many = {"thread_ids": ["t"], "add": [f"tag-{n}" for n in range(100_000)]}
    most = {
        "thread_ids": [f"seed-{n}" for n in range(1000)],
        "add": [f"tag-{n}" for n in range(50)],
    }
    bodies = [json.dumps(many).encode(), json.dumps(most).encode()]

    def ask(client: Client) -> None:
        for body in bodies:
            client.ask("PATCH", f"{API}/threads/tags", body, JSON)

    return each(addresses.http, budget, ask, clients=4)


@attack("rest")
def views_without_end(addresses: Addresses, budget: Budget) -> Outcome:
    """Saved views under ever new names, each with a filter of ten thousand characters."""
    dice = random.Random(1)
    filter_text = "thread_id in (" + ", ".join('"x"' for _ in range(1000)) + ")"

    def ask(client: Client) -> None:
        name = f"view-{dice.random()}"
        client.put("POST", "/views", {"name": name, "filter": filter_text, "columns": ["x"] * 100})

    return each(addresses.http, budget, ask, clients=8)


@attack("rest")
def comments_by_the_thousand(addresses: Addresses, budget: Budget) -> Outcome:
    """Comments of the largest size, as fast as they are taken."""
    body = {"thread_id": "seed-1", "text": "x" * 10_000}
    return each(addresses.http, budget, lambda c: c.put("POST", "/comments", body), clients=16)


# Queries


def _gets(addresses: Addresses, budget: Budget, paths: list[str], clients: int) -> Outcome:
    def ask(client: Client) -> None:
        for path in paths:
            if budget.left():
                client.ask("GET", path)

    return each(addresses.http, budget, ask, clients=clients)


def _filtered(text: str) -> str:
    return f"{API}/threads?project=*&filter={quote(text)}"


@attack("rest")
def filters_of_a_megabyte(addresses: Addresses, budget: Budget) -> Outcome:
    """A filter of a million characters, in the request line."""
    text = " or ".join('thread_id = "x"' for _ in range(50_000))
    return _gets(addresses, budget, [_filtered(text)], 4)


@attack("rest")
def filters_of_ten_thousand_parentheses(addresses: Addresses, budget: Budget) -> Outcome:
    """Nesting as deep as a filter's length allows."""
    deep = "(" * 4_900 + 'thread_id = "x"' + ")" * 4_900
    nots = "not " * 2_490 + 'thread_id = "x"'
    mixed = "not (" * 1_600 + 'thread_id = "x"' + ")" * 1_600
    return _gets(addresses, budget, [_filtered(t) for t in (deep, nots, mixed)], 8)


@attack("rest")
def filters_of_two_hundred_searches(addresses: Addresses, budget: Budget) -> Outcome:
    """As many comparisons as a filter may have, each over all messages of all threads."""
    text = " or ".join(f'any_message contains "a{n:x}"' for n in range(199))
    return _gets(addresses, budget, [_filtered(text)], 16)


@attack("rest")
def filters_nested_to_the_limit(addresses: Addresses, budget: Budget) -> Outcome:
    """Forty-nine levels of and, or, not."""
    text = 'thread_id = "x"'
    for n in range(24):
        text = f'not (thread_id = "{n}" or {text})'
    return _gets(addresses, budget, [_filtered(text)], 16)


@attack("rest")
def lists_of_a_thousand_values(addresses: Addresses, budget: Budget) -> Outcome:
    """As many values as fit, and more of them than are allowed."""
    few = "thread_id in (" + ",".join('"x"' for _ in range(1_900)) + ")"
    right = "turn_count in (" + ",".join("1" for _ in range(999)) + ")"
    return _gets(addresses, budget, [_filtered(few), _filtered(right)], 8)


@attack("rest")
def texts_that_break_regular_expressions(addresses: Addresses, budget: Budget) -> Outcome:
    """Strings full of escapes and dates that almost are one, as filter and as search."""
    texts = (
        '"' + "\\" * 9_000,
        'thread_id = "' + "\\a" * 4_900,
        "created_at > " + "2026-01-31T09:30:00." + "1" * 9_000,
        "turn_count = " + "1" * 9_900,
        "duration_ms > " + "9" * 9_000 + "d",
        "a" * 9_999,
        "a." * 4_999,
    )
    paths = [_filtered(text) for text in texts]
    paths += [f"{API}/threads?search={quote(('(a+)+$' * 166)[:1000])}"]
    paths += [f"{API}/threads?search={quote('%' * 999)}", f"{API}/threads?search={'_' * 999}"]
    return _gets(addresses, budget, paths, 8)


@attack("rest", processes=2)
def a_thousand_searches_at_once(addresses: Addresses, budget: Budget) -> Outcome:
    """Five hundred connections a process, each lists with a search text that nothing holds."""
    return _gets(addresses, budget, [f"{API}/threads?project=*&search=zzzz&with_total=true"], 500)


@attack("rest")
def statistics_over_everything_fifty_times_at_once(addresses: Addresses, budget: Budget) -> Outcome:
    """Percentiles and a series by the hour over all projects."""
    paths = [f"{API}/{of}/stats?project=*&interval=hour" for of in ("threads", "traces")]
    return _gets(addresses, budget, paths, 50)


@attack("rest")
def statistics_over_eight_thousand_years_by_the_hour(
    addresses: Addresses, budget: Budget
) -> Outcome:
    """A series whose bounds are as far apart as times can be."""
    span = "from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z"
    paths = [f"{API}/{of}/stats?project=*&interval=hour&{span}" for of in ("threads", "traces")]
    return _gets(addresses, budget, paths, 8)


@attack("rest")
def cursors_that_are_forged(addresses: Addresses, budget: Budget) -> Outcome:
    """Real cursors with other values in the places: types, lengths, times, nesting."""
    outcome = Outcome()
    client = Client(addresses.http, outcome, budget)
    path = f"{API}/threads?project=*&limit=2"
    page = json.loads(client.ask("GET", path) or b"{}")
    cursor = page.get("next_cursor") or ""
    digest, values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    odd = [
        None,
        True,
        -1,
        1 << 70,
        1e308,
        "",
        "x" * 10_000,
        "\u0000",
        {"time": "0001-01-01"},
        {"time": "9999-12-31T23:59:59.999999+14:00"},
        {"time": "2026-01-01"},
        {"time": 5},
        {"x": 1},
        [],
        [[]],
        {"time": "x" * 10_000},
    ]
    forged = [[*values[:at], one, *values[at + 1 :]] for at in range(len(values)) for one in odd]
    forged += [
        values[:2],
        values * 2,
        values[:3],
        [*values[:1], 1],
        [*values[:1], 1, "a", "b"],
        [],
        [[]] * 5,
    ]
    texts = [json.dumps([digest, one]).encode() for one in forged]
    texts += [b"[" * 50_000, b"\xff" * 1000, b'["' + digest.encode() + b'",' + b"[" * 30_000]
    while budget.left():
        for text in texts:
            if not budget.left():
                break
            made = base64.urlsafe_b64encode(text).decode()
            client.ask("GET", f"{path}&cursor={quote(made)}")
    return outcome


@attack("rest")
def walks_that_never_end(addresses: Addresses, budget: Budget) -> Outcome:
    """First pages of ever new selections: each starts a pagination that the server remembers."""
    dice = random.Random(2)

    def ask(client: Client) -> None:
        text = quote(f"turn_count < {dice.randrange(1 << 30) + 2}")
        client.ask("GET", f"{API}/threads?project=*&limit=1000&filter={text}")

    return each(addresses.http, budget, ask, clients=8)


@attack("rest")
def limits_and_sorts_that_cannot_be(addresses: Addresses, budget: Budget) -> Outcome:
    """Limits beyond reason, sorts by what is no field, offsets, parameters nobody knows."""
    queries = (
        "limit=0",
        "limit=-1",
        f"limit={10**30}",
        "limit=" + "9" * 5000,
        "limit=1e3",
        "sort=",
        "sort=--turn_count",
        "sort=" + "-" * 5000,
        "sort=scores.x",
        "sort=1;drop table spans",
        "sort=metadata." + "x" * 5000,
        "cursor=",
        "cursor=%00",
        "from=-9999-01-01",
        "from=1e999-",
        "to=9999-12-31T23:59:59-14:00",
        "project=%00",
        "project=" + "x" * 8000,
        "status=x",
        "a=b" * 2000,
        "search=%00%ff",
        "thread_id=%ed%a0%80",
        "with_total=maybe",
        "from=0001-01-01T00:00:00%2B14:00",
    )
    paths = [f"{API}/{of}?{query}" for query in queries for of in ("threads", "traces")]
    return _gets(addresses, budget, paths, 4)


@attack("rest")
def a_hundred_thousand_parameters(addresses: Addresses, budget: Budget) -> Outcome:
    """A query string of the same and of ever new parameters."""
    same = f"{API}/threads?" + "&".join(["limit=1"] * 6_000)
    new = f"{API}/threads?" + "&".join(f"a{n}=" for n in range(6_000))
    huge = f"{API}/threads?" + "&".join(f"a{n}=" for n in range(100_000))
    return _gets(addresses, budget, [same, new, huge], 8)


@attack("rest")
def metrics_and_openapi_hammered(addresses: Addresses, budget: Budget) -> Outcome:
    """What is computed for each request: /metrics, /openapi.json, /docs, doctor, status."""
    paths = ["/metrics", "/openapi.json", "/docs", f"{API}/doctor", f"{API}/status", "/readyz"]
    return _gets(addresses, budget, [*paths, f"{API}/fields", f"{API}/projects"], 32)


@attack("rest")
def pages_with_odd_headers(addresses: Addresses, budget: Budget) -> Outcome:
    """Assets with ranges, encodings and conditions that no browser sends."""
    odd = (
        {"range": "bytes=" + ",".join(f"{n}-{n}" for n in range(1000))},
        {"range": "bytes=0-,0-,0-"},
        {"range": "bytes=-1"},
        {"range": "bytes=" + "9" * 5000 + "-"},
        {"accept-encoding": ",".join(f"gzip;q=0.{n}" for n in range(1000))},
        {"if-none-match": ",".join(f'"{n}"' for n in range(1000))},
        {"if-modified-since": "Thu, 01 Jan 99999 00:00:00 GMT"},
        {"accept": "," * 5000},
    )
    paths = (
        "/",
        "/static/app.js",
        "/static/../../../etc/passwd",
        "/static/%2e%2e/%00",
        "/style.css",
        "/ui/x" * 500,
    )

    def ask(client: Client) -> None:
        for path in paths:
            for headers in odd:
                client.ask("GET", path, None, headers)

    return each(addresses.http, budget, ask, clients=8)


# Streams


def _unread(
    addresses: Addresses, budget: Budget, path: str, count: int, meanwhile=lambda: None
) -> Outcome:
    """Open connections, send a request on each, read nothing."""
    outcome, open_ones = Outcome(), []
    host, _, port = addresses.http.rpartition(":")
    for _ in range(count):
        if not budget.left():
            break
        try:
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(budget.seconds())
            one.connect((host, int(port)))
            one.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            open_ones.append(one)
            outcome.answers["opened"] += 1
        except OSError as error:
            outcome.answers[type(error).__name__] += 1
    while budget.left():
        meanwhile()
        time.sleep(0.05)
    for one in open_ones:
        one.close()
    return outcome


@attack("rest", seconds=6)
def exports_that_nobody_reads(addresses: Addresses, budget: Budget) -> Outcome:
    """Two hundred exports of everything whose connections are never read."""
    return _unread(addresses, budget, f"{API}/export/threads?project=*", 200)


@attack("rest", seconds=6)
def exports_as_parquet_fifty_at_once(addresses: Addresses, budget: Budget) -> Outcome:
    """Files that are built in columns, by many at once."""
    paths = [f"{API}/export/threads?project=*&format={kind}" for kind in ("parquet", "csv", "otlp")]
    return _gets(addresses, budget, paths, 50)


@attack("rest", seconds=6)
def a_thousand_event_streams(addresses: Addresses, budget: Budget) -> Outcome:
    """Server-sent events, opened by the thousand and never read, while threads change."""
    outcome = Outcome()
    client = Client(addresses.http, outcome, budget)
    number = iter(range(1 << 30))

    def change() -> None:
        ids = [f"seed-{next(number) % 2000}" for _ in range(1000)]
        client.put("PATCH", "/threads/tags", {"thread_ids": ids, "add": [f"t{next(number)}"]})

    found = _unread(addresses, budget, f"{API}/events?project=*", 1000, change)
    found.answers += outcome.answers
    return found


@attack("rest", seconds=6)
def backups_by_the_hundred(addresses: Addresses, budget: Budget) -> Outcome:
    """A hundred connections ask for a backup and do not read it."""
    return _unread(addresses, budget, f"{API}/backup", 100)


@attack("rest")
def rebuilds_by_the_hundred(addresses: Addresses, budget: Budget) -> Outcome:
    """Everything is to be derived again, again and again."""
    return each(addresses.http, budget, lambda c: c.ask("POST", f"{API}/rebuild"), clients=32)


@attack("rest")
def demonstrations_by_the_hundred(addresses: Addresses, budget: Budget) -> Outcome:
    """The recorded conversations are stored again and again."""
    return each(addresses.http, budget, lambda c: c.ask("POST", f"{API}/demo"), clients=32)


@attack("rest")
def deletions_by_the_hundred(addresses: Addresses, budget: Budget) -> Outcome:
    """A thousand ids that are not there, from many at once; each waits for the deriver."""
    body = {"thread_ids": [f"nobody-{n}" for n in range(1000)]}
    return each(
        addresses.http, budget, lambda c: c.put("POST", "/threads/delete", body), clients=64
    )


@attack("rest")
def prunings_by_the_hundred(addresses: Addresses, budget: Budget) -> Outcome:
    """Prune with dry_run, from many at once."""
    body = {"older_than_days": 0.0001, "dry_run": True}
    return each(addresses.http, budget, lambda c: c.put("POST", "/prune", body), clients=64)


@pytest.mark.parametrize("name", names("rest"))
def test_the_server_goes_on(target, name):
    check(run(target, ATTACKS[name]))
