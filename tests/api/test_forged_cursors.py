"""A cursor comes from outside: whatever somebody writes into one is refused, never a failure."""

import base64
import json

import httpx
import pytest
from builders import a_chat, a_request

ODD = (
    None,
    True,
    -1,
    1 << 70,
    1e308,
    "",
    "x" * 3000,
    "\u0000",
    {"time": "0001-01-01"},
    {"time": 5},
    {"time": "9999-12-31T23:59:59.999999+14:00"},
    {"time": "0001-01-01T00:00:00+14:00"},
    {"x": 1},
    [],
    [[]],
)


def forged(cursor: str) -> list[str]:
    """Return the cursor with each value replaced by each odd one, and of other lengths."""
    digest, values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    lists = [[*values[:i], one, *values[i + 1 :]] for i in range(len(values)) for one in ODD]
    lists += [[*values[:1], 1, "a", "b"], [*values[:1], 1, 5, None], values * 2, values[:2], []]
    texts = [json.dumps([digest, one]) for one in lists] + ["[" * 5000, f'["{digest}", 5]']
    return [base64.urlsafe_b64encode(text.encode()).decode() for text in texts]


@pytest.mark.parametrize(
    "path",
    [
        "/threads?project=cursors&limit=2",
        "/threads?project=cursors&limit=2&sort=turn_count",
        "/threads?project=cursors&limit=2&sort=thread_id",
        "/threads?project=cursors&limit=2&sort=-cost_usd",
        "/traces?project=cursors&limit=2",
        "/traces?project=cursors&limit=2&sort=-name",
        "/threads/turns?project=cursors&thread_id=t0&limit=1",
        "/scores?project=cursors&limit=1",
        "/scores/names?project=cursors&limit=1",
    ],
)
def test_a_forged_cursor_is_refused(server, path):
    spans = [a_chat(f"t{n % 5}", f"question {n}", "hi") for n in range(10)]
    server.post(a_request(*spans, resource={"openinference.project.name": "cursors"}))
    scores = [
        {"project": "cursors", "thread_id": f"t{n}", "name": f"n{n % 2}", "value": 1}
        for n in range(5)
    ]
    httpx.put(f"{server.api}/scores", json={"scores": scores}, timeout=60)
    server.wait_derived()
    cursor = httpx.get(f"{server.api}{path}", timeout=60).json()["next_cursor"]

    found = [
        httpx.get(f"{server.api}{path}&cursor={one}", timeout=60).status_code
        for one in forged(cursor)
    ]

    assert set(found) <= {200, 400}
