"""A model server on loopback that speaks OpenAI's chat completions; it counts what it bills."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeModel:
    """`You said: …`; a tool call for `weather in CITY`, where the tool is offered."""

    def __init__(self) -> None:
        self.input_tokens = self.output_tokens = self.requests = 0
        self._lock = threading.Lock()
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                size = int(self.headers["content-length"])
                request = json.loads(self.rfile.read(size))
                gemini = "generateContent" in self.path
                answer = model.gemini_answer(request) if gemini else model.answer(request)
                payload = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: dict) -> dict:
        messages = request["messages"]
        last = messages[-1]
        city = re.search(r"weather in (\w+)", _text(last))
        message: dict = {"role": "assistant", "content": None, "refusal": None}
        if last["role"] == "tool":
            message["content"] = f"The tool says: {_text(last)}"
        elif city and request.get("tools"):
            call = {
                "name": request["tools"][0]["function"]["name"],
                "arguments": json.dumps({"city": city[1]}),
            }
            message["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
        else:
            message["content"] = f"You said: {_text(last)}"
        with self._lock:
            self.requests += 1
            number, used = self.requests, (10 * len(messages) + 7, 11)
            self.input_tokens += used[0]
            self.output_tokens += used[1]
        return {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o-mini",
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
                }
            ],
            "usage": {
                "prompt_tokens": used[0],
                "completion_tokens": used[1],
                "total_tokens": sum(used),
            },
        }

    def gemini_answer(self, request: dict) -> dict:
        """The same in the shape of Gemini's API."""
        said = " ".join(part.get("text", "") for part in request["contents"][-1]["parts"])
        with self._lock:
            self.requests += 1
            self.input_tokens += 17
            self.output_tokens += 11
        content = {"role": "model", "parts": [{"text": f"You said: {said}"}]}
        return {
            "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {
                "promptTokenCount": 17,
                "candidatesTokenCount": 11,
                "totalTokenCount": 28,
            },
            "modelVersion": "gemini-2.0-flash",
            "responseId": "1",
        }


def _text(message: dict) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)
