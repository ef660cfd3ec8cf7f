"""Who names no project sees all of them; a thread is found in whichever has it."""

import subprocess
import sys

import grpc
import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server

from otel_threads import Client
from otel_threads.sdk.client import UnknownProject
from otel_threads.v1 import threads_pb2 as pb
from otel_threads.v1 import threads_pb2_grpc as stubs

pytestmark = pytest.mark.slow  # starts programs


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """Threads in three projects; `twice` is in two of them, `here` also in the default one."""
    server = Server(tmp_path_factory.mktemp("stories")).start()
    for project, ids in {
        "stories": ("rich-markdown", "twice", "here"),
        "shop": ("chat-1", "twice"),
        "default": ("here",),
    }.items():
        payload = a_request(*(a_chat(one, f"asked in {project}", "answer") for one in ids))
        assert server.post(payload, x_otel_threads_project=project).status_code == 200
    server.wait_derived()
    yield server
    server.stop()


def refused(server, **query) -> tuple[int, str]:
    answer = httpx.get(f"{server.api}/threads/get", params=query)
    return answer.status_code, answer.json()["detail"]


def run(server, *args: str):
    where = ["--http-endpoint", server.addresses["http"], "--database", str(server.database)]
    command = [sys.executable, "-m", "otel_threads", *args, *where]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_lists_and_sums_are_of_all_projects(stories):
    assert len(stories.get("/threads")["items"]) == 6
    assert stories.get("/threads/stats")["thread_count"] == 6
    assert len(stories.get("/traces")["items"]) == 6
    assert len(stories.get("/threads", project="shop")["items"]) == 2


@pytest.mark.parametrize(
    ("thread_id", "project"),
    [("rich-markdown", "stories"), ("chat-1", "shop"), ("here", "default")],
)
def test_a_thread_is_found_in_the_project_that_has_it(stories, thread_id, project):
    """In the default one, where several do."""
    assert stories.get("/threads/get", thread_id=thread_id)["project"] == project
    (turn,) = stories.get("/threads/turns", thread_id=thread_id)["items"]
    assert turn["user"] == f"asked in {project}"


def test_several_projects_are_named(stories):
    assert refused(stories, thread_id="twice") == (
        400,
        "thread 'twice' is in 2 projects: name one of shop, stories",
    )


def test_a_wrong_project_or_id_is_told_with_what_may_be_meant(stories):
    code, told = refused(stories, thread_id="rich-markdown", project="shop")
    assert (code, told) == (
        404,
        "no thread 'rich-markdown' in project 'shop'; did you mean stories/rich-markdown?",
    )
    assert "did you mean stories/rich-markdown?" in refused(stories, thread_id="Rich-Markdwon")[1]
    assert refused(stories, thread_id="nothing like it")[1] == "no thread 'nothing like it'"


def test_what_changes_a_thread_finds_it_too(stories):
    body = {"thread_ids": ["chat-1"], "add": ["vip"]}
    answer = httpx.patch(f"{stories.api}/threads/tags", json=body).json()
    assert answer == {"updated": 1, "not_found": []}
    assert stories.get("/threads/get", thread_id="chat-1")["tags"] == ["vip"]


def test_an_unknown_project_is_told_beside_an_empty_answer(stories):
    """In a header of REST, in trailing metadata over gRPC, as a warning of the client."""
    told = "no project 'shpo'; did you mean shop?"
    for path in ("threads", "threads/stats", "traces", "spans", "issues", "export/threads"):
        answer = httpx.get(f"{stories.api}/{path}", params={"project": "shpo"})
        assert (answer.status_code, answer.headers["x-otel-threads-hint"]) == (200, told), path
        for known in ("shop", "*"):
            answer = httpx.get(f"{stories.api}/{path}", params={"project": known})
            assert "x-otel-threads-hint" not in answer.headers
    odd = httpx.get(f"{stories.api}/threads", params={"project": "\u5546\r\nx: y"})
    assert odd.headers["x-otel-threads-hint"] == (
        r"no project '\u5546\\r\\nx: y'; there are default, shop, stories"
    )
    with grpc.insecure_channel(stories.addresses["grpc"]) as channel:
        stub = stubs.ThreadServiceStub(channel)
        found, ended = stub.ListThreads.with_call(pb.ListThreadsRequest(project="shpo"))
        assert not found.items
        assert dict(ended.trailing_metadata())["x-otel-threads-hint"] == told
        _, ended = stub.ListThreads.with_call(pb.ListThreadsRequest(project="shop"))
        assert not ended.trailing_metadata()
    with Client(f"http://{stories.addresses['http']}") as client:
        with pytest.warns(UnknownProject, match="did you mean shop"):
            assert list(client.list_threads(project="shpo")) == []
        with pytest.warns(UnknownProject, match="did you mean shop"):
            assert b"".join(client.export_threads(project="shpo")) == b""


def test_commands_name_the_project(stories, tmp_path):
    listed = run(stories, "threads", "list")
    assert "stories" in listed.stdout
    shown = run(stories, "threads", "show", "rich-markdown")
    assert "asked in stories" in shown.stdout
    assert run(stories, "threads", "show", "rich-markdwon").returncode == 1
    told = "otel-threads: no project 'storeis'; did you mean stories?\n"
    wrong = run(stories, "threads", "list", "--project", "storeis")
    assert (wrong.stdout, wrong.stderr) == ("No thread matches.\n", told)
    file = tmp_path / "none.csv"
    written = run(stories, "export", "--project", "storeis", "-o", str(file))
    assert told in written.stderr
    assert "project" in file.read_text()  # an empty file is right, too


def call(server, verb: str, path: str, code: int = 200, **body):
    answer = httpx.request(verb, f"{server.api}{path}", json=body)
    assert answer.status_code == code, answer.text
    return answer.json()


def test_what_is_written_on_a_thread_goes_where_it_is(stories):
    """Comments, tags of traces, queues of named threads, and scores from a shell."""
    (trace,) = stories.get("/traces", thread_id="rich-markdown")["items"]
    scored = run(stories, "threads", "score", "rich-markdown", "quality", "0.8")
    assert (scored.returncode, scored.stdout, scored.stderr) == (0, "scored 1\n", "")
    assert call(stories, "POST", "/comments", thread_id="rich-markdown", text="hi")["project"] == (
        "stories"
    )
    with Client(f"http://{stories.addresses['http']}") as client:
        client.add_comment("of the client", thread_id="rich-markdown")
    with grpc.insecure_channel(stories.addresses["grpc"]) as channel:
        wanted = pb.NewComment(thread_id="rich-markdown", text="of gRPC")
        assert stubs.ThreadServiceStub(channel).AddComment(wanted).project == "stories"
    thread = stories.get("/threads/get", thread_id="rich-markdown")
    assert thread["comment_count"] == 3
    assert [one["name"] for one in thread["scores"]] == ["quality"]
    found = stories.get("/scores", thread_id="rich-markdown")["items"]
    assert {one["project"] for one in found} == {"stories"}
    named = {"thread_id": "rich-markdown", "name": "quality", "project": "stories"}
    assert call(stories, "POST", "/scores/delete", scores=[named])["deleted"] == 1
    assert call(stories, "PATCH", "/threads/tags", trace_ids=[trace["trace_id"]], add=["odd"]) == {
        "updated": 1,
        "not_found": [],
    }
    assert stories.get(f"/traces/{trace['trace_id']}")["tags"] == ["odd"]
    queue = {"name": "mine", "thread_ids": ["rich-markdown"], "score_names": ["quality"]}
    made = call(stories, "POST", "/review-queues", **queue)
    assert (made["project"], made["total_count"]) == ("stories", 1)


def test_what_is_written_on_a_thread_of_several_projects_names_one(stories):
    """The default one where it is among them, or where nobody has the thread."""
    told = "thread 'twice' is in 2 projects: name one of shop, stories"
    score = {"thread_id": "twice", "name": "quality", "value": 1}
    assert call(stories, "POST", "/comments", 400, thread_id="twice", text="hi")["detail"] == told
    named = call(stories, "POST", "/comments", thread_id="twice", text="hi", project="shop")
    assert named["project"] == "shop"
    for thread_id in ("here", "not yet"):
        call(stories, "PUT", "/scores", scores=[score | {"thread_id": thread_id}])
        (found,) = stories.get("/scores", thread_id=thread_id)["items"]
        assert found["project"] == "default"
    scored = run(stories, "threads", "score", "chat-1", "quality", "0.8")
    assert (scored.returncode, scored.stdout, scored.stderr) == (0, "scored 1\n", "")
    assert stories.get("/threads/get", thread_id="chat-1")["scores"][0]["project"] == "shop"
    scored = run(stories, "threads", "score", "twice", "quality", "0.8")
    assert (scored.returncode, scored.stdout) == (1, "")
    assert told in scored.stderr
