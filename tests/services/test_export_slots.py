"""Exports at once are bounded, and one that nobody reads to its end gives its slot back."""

import httpx
import pytest
from builders import a_chat, a_request
from conftest import wait_until

from otel_threads.core.errors import Overloaded
from otel_threads.services.export_slots import EXPORTS_MAX, ExportSlots


def blocks(closed: list[str]):
    try:
        yield b"a"
        yield b"b"
    finally:
        closed.append("closed")


@pytest.mark.parametrize("end", ["close", "read", "leave", "drop", "fail"])
def test_an_export_gives_its_slot_back_however_it_ends(end):
    slots, closed = ExportSlots(1), []
    export = slots.take(blocks(closed))
    assert next(export) == b"a"
    with pytest.raises(Overloaded, match="1 exports run at once, the most"):
        slots.take(blocks(closed))
    assert closed == []

    if end == "read":
        assert list(export) == [b"b"]
    elif end == "leave":
        with export:
            pass
    elif end == "drop":
        del export
    elif end == "fail":
        with pytest.raises(RuntimeError):
            export._blocks.throw(RuntimeError("the database is gone"))
        with pytest.raises(StopIteration):
            next(export)
    else:
        export.close()
        export.close()

    assert closed == ["closed"]
    assert list(slots.take(blocks(closed))) == [b"a", b"b"]


def test_a_client_that_goes_away_gives_its_slot_back(make_server):
    """More exports than slots one after the other, each left after its first bytes."""
    server = make_server()
    chats = [a_chat(f"t{n}", "x" * 9000, "hi") for n in range(900)]
    assert server.post(a_request(*chats)).is_success
    server.wait_derived()

    def is_served() -> bool:
        with httpx.stream("GET", f"{server.api}/export/threads?project=*", timeout=60) as response:
            assert response.status_code in (200, 503)
            next(response.iter_raw())
            return response.status_code == 200

    for _ in range(3 * EXPORTS_MAX):
        wait_until(is_served, "an export begins")
