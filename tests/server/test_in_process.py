"""The server in this process, on ports of its own: what SDKs were recorded to send is answered.

Here the lines that a server runs are counted as reached; all else about these calls is in vendors/.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import langsmith_requests
import pytest
import sdk_records
from conftest import wait_until
from langsmith_requests import CONTENT_TYPE, multipart_body

from otel_threads import server
from otel_threads.core.config import Config

PORTS = ("otlp_grpc_endpoint", "otlp_http_endpoint", "http_endpoint", "grpc_endpoint")
OPIK = "/api/v1/private"


def served(folder: Path, told: Callable[[httpx.Client], None]) -> None:
    """Serve as long as a function takes that talks to the REST port."""

    async def run() -> None:
        started, stop = asyncio.Event(), asyncio.Event()
        addresses: dict[str, str] = {}

        def ready(found: dict[str, str]) -> None:
            addresses.update(found)
            started.set()

        config = Config(database=str(folder / "x.duckdb"), **dict.fromkeys(PORTS, "127.0.0.1:0"))
        serving = asyncio.create_task(
            server.serve(config, announce=lambda _: None, on_ready=ready, stop=stop)
        )
        await asyncio.wait(
            [serving, asyncio.create_task(started.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        try:
            with httpx.Client(base_url=f"http://{addresses['http']}", timeout=60) as client:
                await asyncio.to_thread(told, client)
        finally:
            stop.set()
            await serving

    asyncio.run(run())


def settle(client: httpx.Client) -> None:
    """Return once everything that was acknowledged is in the threads."""

    def is_settled() -> bool:
        status = client.get("/api/v1/status").json()
        return status["derived_sequence"] >= status["committed_sequence"]

    wait_until(is_settled, "all is derived")


@pytest.mark.long
def test_langsmiths_recorded_sessions_are_answered_as_they_were(tmp_path):
    def replay(client: httpx.Client) -> None:
        for name in langsmith_requests.NAMES:
            for request in langsmith_requests.recorded(name):
                body = request["body"]
                if body and "project_id" in body:  # the recording's server had ids of its own
                    projects = client.get("/sessions").json()
                    body = {**body, "project_id": projects[0]["id"]}
                given: dict = {"json": body} if body is not None else {}
                if request["path"].endswith("/runs/multipart"):
                    content = multipart_body(tuple(part) for part in body["parts"])
                    given = {"content": content, "headers": {"content-type": CONTENT_TYPE}}
                answer = client.request(
                    request["method"], request["path"], params=request["query"], **given
                )
                assert answer.status_code == request["status"], (name, request, answer.text)
                if request["method"] != "GET":
                    settle(client)
        found = client.get("/api/v1/threads", params={"project": "*", "limit": 100}).json()["items"]
        assert {one["thread_id_source"] for one in found} == {
            "langsmith.metadata.session_id",
            "langsmith.metadata.thread_id",
        }

    served(tmp_path, replay)


@pytest.mark.long
def test_opiks_recorded_sessions_are_read_back_by_its_calls(tmp_path):
    def replay(client: httpx.Client) -> None:
        requests = [one for name in sdk_records.OPIK for one in sdk_records.recorded(name)]
        for request in requests:
            answer = client.request(request["method"], request["path"], json=request["body"])
            sent_twice = answer.status_code == 409 and "already exists" in answer.text
            assert answer.is_success or sent_twice, (request, answer.text)
        settle(client)
        records = sdk_records.opik_records(requests)
        for kind in ("trace", "span"):
            ids = {one.record_id for one in records if one.entity == kind and one.op == "put"}
            assert len(ids) > 10
            for record_id in ids:
                answer = client.get(f"{OPIK}/{kind}s/{record_id}")
                assert (answer.status_code, answer.json().get("id")) == (200, record_id)
        for project in {one.project for one in records if one.project}:
            for path in ("traces", "spans", "traces/threads", "traces/stats", "projects"):
                answer = client.get(f"{OPIK}/{path}", params={"project_name": project})
                assert answer.status_code == 200, (path, answer.text)
        found = client.get("/api/v1/threads", params={"project": "*", "limit": 100}).json()["items"]
        assert len(found) > 3

    served(tmp_path, replay)
