"""Parts of multipart bodies as the SDKs send them, and as nobody should."""

import pytest
from langsmith_requests import BOUNDARY, CONTENT_TYPE, multipart_body

from otel_threads.core.errors import InvalidPayload, TooLarge
from otel_threads.vendors.langsmith import multipart

PARTS = [
    ("post.1", {"a": "é"}),
    ("post.1.inputs", {"x": [1, None]}),
    ("attachment.1.f", b"\r\n--x\0"),
]


def read(body: bytes, boundary: str = BOUNDARY) -> list[tuple[str, bytes]]:
    found = multipart.parts(body, boundary.encode())
    return [(p.name, p.content) for p in found if isinstance(p, multipart.Part)]


def faults(body: bytes) -> list[str]:
    found = multipart.parts(body, BOUNDARY.encode())
    return [one.fault for one in found if isinstance(one, multipart.Unreadable)]


@pytest.mark.parametrize("style", ["python", "js", "bare"])
def test_parts_are_read_with_a_length_anywhere_or_without(style):
    found = read(multipart_body(PARTS, style=style))

    assert [name for name, _ in found] == ["post.1", "post.1.inputs", "attachment.1.f"]
    assert found[2][1] == b"\r\n--x\0"


@pytest.mark.parametrize("style", ["python", "js"])
def test_a_length_lets_content_hold_the_boundary(style):
    content = f"a\r\n--{BOUNDARY}\r\nb".encode()

    assert read(multipart_body([("attachment.1.f", content)], style=style)) == [
        ("attachment.1.f", content)
    ]


def test_a_wrong_length_counts_for_nothing():
    body = multipart_body([("post.1", {"a": 1})]).replace(
        b"Content-Length: 8", b"Content-Length: 3"
    )

    assert read(body) == [("post.1", b'{"a": 1}')]


def test_media_types_are_compared_without_parameters():
    (part,) = multipart.parts(multipart_body([("post.1", {})], style="js"), BOUNDARY.encode())

    assert part.media_type == "application/json"


def test_a_part_without_a_name_is_left_out():
    body = multipart_body([("post.1", {}), ("post.2", {})]).replace(b'name="post.1"', b"nothing=1")

    assert [name for name, _ in read(body)] == ["post.2"]
    assert faults(body) == ["part 1: it has no name"]


def test_a_part_whose_header_does_not_end_is_left_out():
    long = f"--{BOUNDARY}\r\nX: {'y' * multipart.HEADER_BYTES_MAX}\r\n\r\nz\r\n".encode()

    body = long + multipart_body([("post.2", {})])
    assert [name for name, _ in read(body)] == ["post.2"]
    assert faults(body) == ["part 1: its header does not end within 16384 bytes"]


def test_a_body_that_ends_early_has_the_parts_before():
    body = multipart_body([("post.1", {}), ("post.2", {"long": "x" * 100})])

    assert [name for name, _ in read(body[:-60])] == ["post.1"]
    assert faults(body[:-60]) == ["post.2: the body ends without a boundary behind it"]


def test_what_stands_behind_the_last_boundary_is_named():
    body = multipart_body([("post.1", {})])
    final = f"--{BOUNDARY}--\r\n".encode()
    assert faults(body) == faults(body + b"an epilogue") == []
    (ends,) = faults(body.removesuffix(final))
    assert ends.startswith("post.1: the body ends")
    (torn,) = faults(body.removesuffix(final) + f"--{BOUNDARY}".encode())
    assert torn == "what follows part 1: its boundary is not the final one"


def test_a_preamble_is_no_part():
    assert [name for name, _ in read(b"hello\r\n" + multipart_body([("post.1", {})]))] == ["post.1"]


def test_bounds_are_reached():
    with pytest.raises(TooLarge, match="parts"):
        read(multipart_body([("post.1", 1)] * (multipart.PARTS_MAX + 1), style="bare"))
    with pytest.raises(InvalidPayload, match="boundary"):
        read(b"nothing")
    for wrong in ("application/json", "multipart/form-data", "multipart/form-data; boundary=", ""):
        with pytest.raises(InvalidPayload):
            multipart.boundary_of(wrong)
    assert multipart.boundary_of(CONTENT_TYPE) == BOUNDARY.encode()
    assert multipart.boundary_of('multipart/form-data; boundary="a b"') == b"a b"
