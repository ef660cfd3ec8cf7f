"""`otel-threads demo`: a real server, real recorded requests sent over OTLP, and what came out.

The recordings are those of ingest/demo_requests.py, which the page's button loads too.
"""

import asyncio
import threading
from collections.abc import Callable

import httpx
from rich.text import Text

from otel_threads import server, show, terminal
from otel_threads.core.config import Config
from otel_threads.ingest import demo_requests

TIMEOUT_S = 60.0


def run(config: Config, *, announce: Callable[[str], None], and_exit: bool) -> None:
    """Serve, send the recordings, print the conversations; stop then or on Ctrl-C.

    Raises:
        DatabaseRefused, ListenError: the server could not start.
    """
    stop = asyncio.Event()
    failed: list[str] = []

    def ready(addresses: dict[str, str]) -> None:
        loop = asyncio.get_running_loop()

        def tell() -> None:
            try:
                _send(addresses, failed)
                _show(addresses, config)
            except (httpx.HTTPError, OSError, KeyError) as error:
                failed.append(f"the demo failed: {error}")
            if and_exit or failed:
                loop.call_soon_threadsafe(stop.set)
            else:
                announce("\nCtrl-C stops the server; the file stays.")

        threading.Thread(target=tell, name="demo", daemon=True).start()

    server.run(config, announce=announce, on_ready=ready, stop=stop)
    if failed:
        raise server.ListenError("; ".join(failed))


def _send(addresses: dict[str, str], failed: list[str]) -> None:
    """Send every recorded request as its sender did."""
    with httpx.Client(base_url=f"http://{addresses['otlp_http']}", timeout=TIMEOUT_S) as http:
        for sample in demo_requests.samples():
            answer = http.post(
                f"/v1/{sample.signal.value}",
                content=sample.body,
                headers={
                    "content-type": sample.media_type,
                    "x-otel-threads-project": sample.project,
                },
            )
            if answer.status_code != 200:
                failed.append(f"{sample.project}: HTTP {answer.status_code}")


def _show(addresses: dict[str, str], config: Config) -> None:
    console = terminal.console()
    with httpx.Client(base_url=f"http://{addresses['http']}/api/v1", timeout=TIMEOUT_S) as http:
        pause = threading.Event()
        while True:
            status = http.get("/status").raise_for_status().json()
            if status["derived_sequence"] >= status["committed_sequence"]:
                break
            pause.wait(0.05)
        selection: dict[str, str | int] = {
            "project": "*",
            "limit": 50,
            "with_total": "true",
            "sort": "project",
        }
        page = http.get("/threads", params=selection).raise_for_status().json()
        console.print()
        console.print(show.threads(page, every_project=True))
        first = next(t for t in page["items"] if t["turn_count"] > 1)
        key = {"project": first["project"], "thread_id": first["thread_id"]}
        turns = http.get("/threads/turns", params=key).raise_for_status().json()["items"]
        console.print()
        console.print(show.conversation(first, turns))
    console.print(
        Text(
            f"\nWhere to look\n"
            f"  page   http://{addresses['http']}/\n"
            f"  REST   http://{addresses['http']}/api/v1/threads?project=*\n"
            f"  API    http://{addresses['http']}/docs\n"
            f"  shell  otel-threads threads list --project '*' --database {config.database}\n"
            f"  SQL    otel-threads sql 'from threads' --database {config.database}\n"
            f"\nSend your own\n"
            f"  OTEL_EXPORTER_OTLP_ENDPOINT=http://{addresses['otlp_http']} "
            f"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
        ),
        soft_wrap=True,  # lines to be copied
    )
