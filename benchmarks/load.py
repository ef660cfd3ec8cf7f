"""Makes OTLP requests of a given weight, cheaply: one template whose ids and times are patched."""

import random
import struct
import time

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

WORDS = [
    "".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyz", k=3 + n % 8))
    for n in range(4000)
]
SPANS_PER_TRACE = 8


class Template:
    """A request of `spans` spans of about `span_bytes` bytes, in traces of eight."""

    def __init__(self, *, spans: int, span_bytes: int, seed: int = 1) -> None:
        """Build the request once; `fresh` gives copies with new ids and times."""
        dice = random.Random(seed)
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        for key, value in (("service.name", "bench"), ("service.version", "1.2.3")):
            resource.resource.attributes.add(key=key).value.string_value = value
        scope = resource.scope_spans.add()
        scope.scope.name = "bench"
        text_bytes = max(0, (span_bytes - 420) // 2)
        marks = []
        for n in range(spans):
            span = scope.spans.add()
            trace = n // SPANS_PER_TRACE
            ids = [
                b"TRACE" + struct.pack(">Q", trace) + b"\xff\xfe\xfd",
                b"SP\xff" + struct.pack(">I", n) + b"\xfe",
            ]
            span.trace_id, span.span_id = ids
            root = n % SPANS_PER_TRACE == 0
            if not root:
                span.parent_span_id = (
                    b"SP\xff" + struct.pack(">I", n - n % SPANS_PER_TRACE) + b"\xfe"
                )
            span.name = "invoke_agent bench" if root else "chat gpt-4o-mini"
            span.kind = 1 if root else 3
            span.start_time_unix_nano = 0x7100000000000000 + n
            span.end_time_unix_nano = 0x7200000000000000 + n
            marks.append((trace, n))
            put = span.attributes.add
            put(key="gen_ai.operation.name").value.string_value = "invoke_agent" if root else "chat"
            put(key="gen_ai.provider.name").value.string_value = "openai"
            put(key="gen_ai.request.model").value.string_value = "gpt-4o-mini"
            if root:
                put(key="gen_ai.conversation.id").value.string_value = f"thread-{'#' * 12}"
            else:
                put(key="gen_ai.usage.input_tokens").value.int_value = dice.randrange(10, 4000)
                put(key="gen_ai.usage.output_tokens").value.int_value = dice.randrange(10, 900)
                put(
                    key="gen_ai.response.id"
                ).value.string_value = f"chatcmpl-{dice.getrandbits(60):x}"
                put(key="gen_ai.request.temperature").value.double_value = 0.7
            for key, role in (
                ("gen_ai.input.messages", "user"),
                ("gen_ai.output.messages", "assistant"),
            ):
                words = " ".join(dice.choices(WORDS, k=text_bytes // 8 + 1))[:text_bytes]
                put(
                    key=key
                ).value.string_value = (
                    f'[{{"role":"{role}","parts":[{{"type":"text","content":"{words}"}}]}}]'
                )
        self.spans = spans
        raw = np.frombuffer(request.SerializeToString(), dtype=np.uint8)
        self._raw = raw
        data = raw.tobytes()
        self._traces = self._find(data, [b"TRACE" + struct.pack(">Q", t) for t, _ in marks], 16)
        self._span_ids = [
            list(_all(data, b"SP\xff" + struct.pack(">I", n) + b"\xfe")) for _, n in marks
        ]
        self._starts = [data.index(struct.pack("<Q", 0x7100000000000000 + n)) for _, n in marks]
        self._threads = _all(data, b"thread-" + b"#" * 12)
        self._ends = [data.index(struct.pack("<Q", 0x7200000000000000 + n)) for _, n in marks]
        self.request_bytes = len(data)

    @staticmethod
    def _find(data: bytes, prefixes: list[bytes], _: int) -> list[int]:
        found, at = [], 0
        for prefix in prefixes:
            at = data.index(prefix, at)
            found.append(at)
            at += 1
        return found

    def fresh(self, dice: np.random.Generator) -> bytes:
        """Return the request with new ids and the present time."""
        out = bytearray(self._raw.tobytes())
        traces = (self.spans + SPANS_PER_TRACE - 1) // SPANS_PER_TRACE
        trace_ids = dice.bytes(16 * traces)
        span_ids = dice.bytes(8 * self.spans)
        now = time.time_ns()
        for at in self._threads:  # ten thousand conversations, eight spans a trace
            out[at + 7 : at + 19] = b"%012d" % dice.integers(10_000)
        for n in range(self.spans):
            at, trace = self._traces[n], n // SPANS_PER_TRACE
            out[at : at + 16] = trace_ids[16 * trace : 16 * trace + 16]
            for place in self._span_ids[n]:
                out[place : place + 8] = span_ids[8 * n : 8 * n + 8]
            out[self._starts[n] : self._starts[n] + 8] = struct.pack(
                "<Q", now - 2_000_000_000 + n * 1000
            )
            out[self._ends[n] : self._ends[n] + 8] = struct.pack(
                "<Q", now - 1_000_000_000 + n * 1000
            )
        return bytes(out)


def _all(data: bytes, mark: bytes) -> list[int]:
    found, at = [], data.find(mark)
    while at >= 0:
        found.append(at)
        at = data.find(mark, at + 1)
    return found
