"""What Opik's own end-to-end tests ask beside traces: environments, projects that go, files put back."""

import base64
import json

import httpx
import pytest
from builders import a_chat, a_request, a_span
from test_opik_reads import Opik

from otel_threads.vendors import ids

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


@pytest.fixture
def opik(server) -> Opik:
    return Opik(server)


def a_trace(opik, **given) -> str:
    """Send a trace of the SDK; return its id."""
    body = {"id": ids.new_uuid(), "start_time": "2026-01-01T00:00:00Z", **given}
    body["project_name"] = opik.project
    opik.call("POST", "/traces/batch", 204, json={"traces": [body]})
    opik.server.wait_derived()
    return body["id"]


def names(opik) -> list[str]:
    return [one["name"] for one in opik.call("GET", "/environments").json()["content"]]


def test_environments_are_made_changed_and_deleted(make_server):
    opik = Opik(make_server())
    path, made = "/environments", ids.new_uuid()
    given = {"id": made, "name": "e2e", "description": "of a test", "color": "#abcdef"}
    answer = opik.call("POST", path, 201, json=given)
    assert answer.headers["location"].endswith(f"{path}/{made}")
    shown = opik.call("GET", f"{path}/{made}").json()
    assert {name: shown[name] for name in given} == given
    opik.call("POST", path, 409, json=given | {"id": ids.new_uuid()})
    opik.call("POST", path, 201, json={"name": "other"})
    opik.call("PATCH", f"{path}/{made}", 409, json={"name": "other"})
    opik.call("PATCH", f"{path}/{made}", 204, json={"description": "anew"})
    changed = opik.call("GET", f"{path}/{made}").json()
    assert (changed["description"], changed["color"]) == ("anew", "#abcdef")
    assert names(opik) == ["e2e", "other"]
    for wrong in ({}, {"name": " "}, {"name": "x" * 151}, {"name": 5}, {"name": "a\nb"}):
        opik.call("POST", path, 422, json=wrong)
    opik.call("POST", path, 422, json={"name": "x", "position": -1})
    opik.call("POST", path, 400, json={"name": "x", "id": "no-uuid"})
    opik.call("POST", f"{path}/delete", 204, json={"ids": [made, ids.new_uuid()]})
    opik.call("GET", f"{path}/{made}", 404)
    opik.call("PATCH", f"{path}/{made}", 404, json={"name": "x"})
    for i in range(19):
        opik.call("POST", path, 201, json={"name": f"n{i}"})
    opik.call("POST", path, 422, json={"name": "one too many"})


def test_a_project_goes_with_its_traces(opik):
    kept = Opik(opik.server)
    trace, other = a_trace(opik, thread_id="t"), a_trace(kept, thread_id="t")
    project_id = ids.project_uuid_of(opik.project)
    opik.call("PATCH", f"/projects/{project_id}", 204, json={"description": "short"})
    assert opik.call("GET", f"/projects/{project_id}").json()["description"] == "short"
    opik.call("PATCH", f"/projects/{project_id}", 422, json={"name": "another"})
    opik.call("PATCH", f"/projects/{ids.new_uuid()}", 404, json={"description": "x"})
    opik.call("DELETE", f"/projects/{project_id}", 204)
    opik.call("DELETE", f"/projects/{project_id}", 204)
    opik.call("GET", f"/projects/{project_id}", 404)
    opik.call("GET", f"/traces/{trace}", 404)
    assert opik.call("GET", f"/traces/{other}").json()["thread_id"] == "t"
    opik.call("POST", "/projects", 201, json={"name": opik.project})
    opik.call("POST", "/projects/delete", 204, json={"ids": [project_id]})
    opik.call("POST", "/projects/delete", 422, json={"ids": []})
    opik.call("GET", f"/projects/{project_id}", 404)


def test_what_is_empty_is_left_out(opik):
    row = opik.call("GET", f"/traces/{a_trace(opik)}").json()
    assert not {"feedback_scores", "span_feedback_scores", "comments"} & row.keys()


def put_file(opik, entity: str, entity_id: str, name: str, media_type: str, data: bytes) -> None:
    query = {"file_name": name, "entity_type": entity, "entity_id": entity_id}
    query |= {"mime_type": media_type, "project_name": opik.project}
    opik.call("PUT", "/attachment/upload", 204, params=query, content=data)


def test_files_that_the_sdk_took_out_are_put_back(opik):
    name, gone = "input-attachment-1-2-sdk.png", "[output-attachment-3-4-sdk.pdf]"
    whole = {
        "image": f"[{name}]",
        "old": f"data:image/png;base64,[{name}]",
        "text": f"see [{name}]",
    }
    trace = a_trace(opik, input=whole, output={"missing": gone}, end_time="2026-01-01T00:00:01Z")
    step = {"id": ids.new_uuid(), "trace_id": trace, "project_name": opik.project, "name": "s"}
    step |= {"start_time": "2026-01-01T00:00:00Z", "metadata": {"image": f"[{name}]"}}
    opik.call("POST", "/spans/batch", 204, json={"spans": [step]})
    put_file(opik, "trace", trace, name, "image/png", PNG)
    put_file(opik, "span", step["id"], name, 'image/png"; x', b"other")
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    put_back = {"image": url, "old": url, "text": f"see {url}"}
    row = opik.call("GET", f"/traces/{trace}").json()
    assert (row["input"], row["output"]) == (put_back, {"missing": gone})
    as_stored = opik.call("GET", f"/traces/{trace}", params={"strip_attachments": "true"}).json()
    assert as_stored["input"] == whole
    (row,) = opik.stream("/traces/search", truncate=False)
    assert row["input"] == put_back
    for more in ({}, {"truncate": False, "strip_attachments": True}):
        (row,) = opik.stream("/traces/search", **more)
        assert row["input"] == whole
    assert opik.page("/traces")["content"][0]["input"] == put_back
    span = opik.call("GET", f"/spans/{step['id']}").json()
    other = base64.b64encode(b"other").decode()
    assert span["metadata"] == {"image": f"data:application/octet-stream;base64,{other}"}
    assert opik.stream("/spans/search", truncate=False)[0]["metadata"] == span["metadata"]


def test_a_span_without_a_mark_is_below_the_one_that_has_it(opik):
    trace, step, inner = (ids.new_uuid() for _ in range(3))
    start = {"start_time": "2026-01-01T00:00:00Z", "project_name": opik.project}
    opik.call("POST", "/traces/batch", 204, json={"traces": [{"id": trace, "name": "t", **start}]})
    record = {"id": step, "trace_id": trace, "name": "step", **start}
    opik.call("POST", "/spans/batch", 204, json={"spans": [record]})
    told = {"opik.trace_id": trace, "opik.span_id": inner, "opik.parent_span_id": step}
    root = a_span(name="marked", attributes=told)
    top = a_span(name="top", trace_id=root.trace_id, attributes={"opik.trace_id": trace})
    below = a_chat("x", "q", "a", trace_id=root.trace_id, parent_span_id=root.span_id, name="below")
    lower = a_span(name="lower", trace_id=root.trace_id, parent_span_id=below.span_id)
    request = a_request(root, top, below, lower)
    assert opik.server.post(request, x_otel_threads_project=opik.project).status_code == 200
    opik.server.wait_derived()
    spans = {s["name"]: s for s in opik.stream("/spans/search", trace_id=trace)}
    parents = {name: one.get("parent_span_id") for name, one in spans.items()}
    assert parents == {
        "step": None,
        "marked": step,
        "top": None,
        "below": inner,
        "lower": spans["below"]["id"],
    }
    assert spans["below"]["type"] == "llm"
    assert json.loads(opik.call("GET", f"/spans/{spans['below']['id']}").text) == spans["below"]


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
def test_what_is_said_of_a_span_follows_it(opik, is_before):
    trace, inner = ids.new_uuid(), ids.new_uuid()
    span = a_span(name="agent", attributes={"opik.trace_id": trace, "opik.span_id": inner})
    below = a_span(name="below", trace_id=span.trace_id, parent_span_id=span.span_id)
    sent = {"trace_id": span.trace_id.hex(), "project": opik.project}
    both = [
        {**sent, "span_id": one.span_id.hex(), "name": "q", "value": 0.5} for one in (span, below)
    ]
    comment = {**sent, "span_id": span.span_id.hex(), "text": "well said"}

    def say() -> None:
        api = f"{opik.server.http}/api/v1"
        assert httpx.put(f"{api}/scores", json={"scores": both}).status_code == 200
        assert httpx.post(f"{api}/comments", json=comment).status_code == 200

    if is_before:
        say()
    request = a_request(span, below)
    assert opik.server.post(request, x_otel_threads_project=opik.project).status_code == 200
    start = {"start_time": "2026-01-01T00:00:00Z", "project_name": opik.project}
    opik.call("POST", "/traces/batch", 204, json={"traces": [{"id": trace, "name": "t", **start}]})
    opik.server.wait_derived()
    if not is_before:
        say()
    spans = {s["name"]: s for s in opik.stream("/spans/search", trace_id=trace)}
    assert spans["agent"]["id"] == inner
    for name in ("agent", "below"):
        assert [s["value"] for s in spans[name]["feedback_scores"]] == [0.5], name
    assert [c["text"] for c in spans["agent"]["comments"]] == ["well said"]
    # Said once more it is not said twice.
    say()
    again = {s["name"]: s for s in opik.stream("/spans/search", trace_id=trace)}
    assert [len(again[name]["feedback_scores"]) for name in ("agent", "below")] == [1, 1]


def test_traces_are_sorted_by_metadata_and_first_token(opik):
    for name, told, ttft in (("a", "x", 30.0), ("b", "z", 9.5), ("c", "y", None)):
        a_trace(opik, name=name, metadata={"kind": told}, ttft=ttft, input="q", output="a")
    opik.send(a_chat("otlp", "Hello", "Hi", name="d"))

    def names_by(field: str, direction: str) -> list[str]:
        sorting = json.dumps([{"field": field, "direction": direction}])
        page = opik.page("/traces", sorting=sorting, size=3)
        assert page["total"] == 4
        return [row["name"] for row in page["content"]]

    assert names_by("metadata.kind", "ASC") == ["a", "c", "b"]
    assert names_by("metadata.kind", "DESC") == ["b", "c", "a"]
    assert names_by("ttft", "DESC")[:2] == ["a", "b"]
    assert names_by("ttft", "ASC")[:2] == ["b", "a"]


def test_files_are_put_back_up_to_a_bound(opik):
    name, large = "input-attachment-1-2-sdk.bin", bytes(33 << 20)
    trace = a_trace(opik, input={"first": f"[{name}]", "second": f"[{name}]"})
    put_file(opik, "trace", trace, name, "application/zip", large)
    shown = opik.call("GET", f"/traces/{trace}").json()["input"]
    assert shown["second"] == f"[{name}]"
    assert shown["first"].startswith("data:application/zip;base64,")
    assert len(shown["first"]) > len(large)
