"""Who names no project sees all of them; a thread is found in whichever has it."""

import subprocess
import sys

import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server

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


def test_commands_name_the_project(stories):
    listed = run(stories, "threads", "list")
    assert "stories" in listed.stdout
    shown = run(stories, "threads", "show", "rich-markdown")
    assert "asked in stories" in shown.stdout
    assert run(stories, "threads", "show", "rich-markdwon").returncode == 1
    wrong = run(stories, "threads", "list", "--project", "storeis")
    assert "no project 'storeis'; did you mean stories?" in wrong.stderr
