"""A scripted OpenAI-compatible server: latency, errors, rate limits, broken JSON, usage.

It counts every answer that it has sent whole, as a provider bills it.
"""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[[dict[str, Any], int], Any]
BEGIN = re.compile(r"^BEGIN UNTRUSTED CONVERSATION ([0-9a-f]{16})$", re.M)


@dataclass
class Fault:
    """An answer that is none: a status, headers, a body as it is, or no answer at all."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "scripted"}}'
    hang_s: float = 0.0


class ScriptedModel:
    """`script(request, number)` returns the text of an answer, or a Fault."""

    def __init__(self, script: Script | None = None, *, latency_s: float = 0.0) -> None:
        self._lock = threading.Lock()
        self.at_once = 0
        self.reset(script, latency_s=latency_s)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                outer._answer(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                pass  # the client has gone

        self._server = Server(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def reset(self, script: Script | None = None, *, latency_s: float = 0.0) -> None:
        """Begin anew; without a script every score is 0.5."""
        self.script = script or (lambda request, number: scores(request, 0.5))
        self.latency_s = latency_s
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answered: list[dict[str, Any]] = []  # requests whose answer was sent whole
        self.usage = (1000, 100)
        self.more_usage: dict[str, Any] = {}
        self.at_once_max = 0

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        request = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
            self.headers.append({k.lower(): v for k, v in handler.headers.items()})
            self.at_once += 1
            self.at_once_max = max(self.at_once, self.at_once_max)
        try:
            found = self.script(request, number)
            time.sleep(self.latency_s)
            if isinstance(found, Fault):
                time.sleep(found.hang_s)
                self._send(handler, found.status, found.body, found.headers)
                return
            self._send(handler, 200, json.dumps(self._completion(request, found)), {})
            with self._lock:
                self.answered.append(request)
        finally:
            with self._lock:
                self.at_once -= 1

    def _completion(self, request: dict[str, Any], text: str) -> dict[str, Any]:
        prompt, completion = self.usage
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": request["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": text},
                }
            ],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
                **self.more_usage,
            },
        }

    @staticmethod
    def _send(
        handler: BaseHTTPRequestHandler, status: int, body: str, headers: dict[str, str]
    ) -> None:
        content = body.encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
        handler.wfile.flush()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def wanted(request: dict[str, Any]) -> dict[str, Any]:
    """Return what the request's schema asks for: the score's schema by name."""
    schema = request["response_format"]["json_schema"]["schema"]
    return {name: one["properties"]["score"] for name, one in schema["properties"].items()}


def scores(request: dict[str, Any], value: Any) -> str:
    """Return an answer that gives every score the same."""
    return json.dumps({name: {"reason": "scripted", "score": value} for name in wanted(request)})


def conversation(request: dict[str, Any]) -> Any:
    """Return the conversation that a request holds, as its data."""
    content = request["messages"][1]["content"]
    nonce = BEGIN.search(content)[1]
    inside = content.partition(f"BEGIN UNTRUSTED CONVERSATION {nonce}\n")[2]
    return json.loads(inside.partition(f"\nEND UNTRUSTED CONVERSATION {nonce}\n")[0])


def instructions(request: dict[str, Any]) -> str:
    """Return all that a request holds outside of the conversation."""
    texts = []
    for message in request["messages"]:
        content = message["content"]
        found = BEGIN.search(content) if message["role"] == "user" else None
        if found:
            end = f"END UNTRUSTED CONVERSATION {found[1]}"
            content = content[: found.start()] + content.rpartition(end)[2]
        texts.append(content)
    return "\n".join(texts)
