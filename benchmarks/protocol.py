"""What a call costs before anything is done with it: our port of OTLP/gRPC beside gRPC's own server.

    python benchmarks/protocol.py [--save]

Both answer each Export with an empty message, unread, on one core's worth of interpreter. 64 calls
of one span of 1 kB are under way at any time, sent from Go. The two take turns, five times.
"""

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import grpc
import psutil
import uvloop
from ingest import METHOD, GoSenders

from otel_threads.receive.calls import Call
from otel_threads.receive.grpc_port import GrpcPort

ROUNDS, SECONDS, SENDERS = 5, 3.0, 64


class Empty:
    """Answers each call with an empty message."""

    is_endless = False
    message_bytes_max = 1 << 26

    def begin(self, call: Call) -> None: ...
    def expect(self, call: Call, size_bytes: int) -> None: ...
    def take(self, call: Call, message: bytes, encoding: str) -> None: ...
    def over(self, call: Call, code: grpc.StatusCode | None) -> None: ...

    def end(self, call: Call) -> None:
        call.answer(b"")


async def serve_grpc() -> None:
    async def export(_payload: bytes, _context: grpc.aio.ServicerContext) -> bytes:
        return b""

    server = grpc.aio.server()
    service, _, name = METHOD.strip("/").partition("/")
    handlers = {name: grpc.unary_unary_rpc_method_handler(export)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


async def serve_ours() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    await GrpcPort({METHOD: Empty()}).open(listener, None)
    print(listener.getsockname()[1], flush=True)
    await asyncio.Event().wait()


SERVERS = {"grpc": serve_grpc, "ours": serve_ours}


def measure(name: str) -> tuple[float, float]:
    """Return calls a second and microseconds of the server's CPU a call."""
    command = [sys.executable, __file__, "--serve", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        crew = GoSenders(f"127.0.0.1:{int(process.stdout.readline())}", SENDERS, 1, 1000, SECONDS)
        server = psutil.Process(process.pid)
        before = server.cpu_times()
        started = time.monotonic()
        crew.start()
        calls = len(crew.waits())
        took_s = time.monotonic() - started
        after = server.cpu_times()
        process.terminate()
    cpu_s = after.user + after.system - before.user - before.system
    return calls / took_s, cpu_s / calls * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", choices=SERVERS)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    if options.serve:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(SERVERS[options.serve]())
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in SERVERS}
    for _ in range(ROUNDS):
        for name, rounds in found.items():
            rounds.append(measure(name))
    result: dict = {
        name: {
            "calls_per_s": round(statistics.median(rate for rate, _ in rounds)),
            "cpu_us_per_call": round(statistics.median(cpu for _, cpu in rounds)),
        }
        for name, rounds in found.items()
    }
    result["ours_over_grpc"] = {
        key: round(result["ours"][key] / result["grpc"][key], 2) for key in result["grpc"]
    }
    result["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    print(json.dumps(result, indent=2))
    if options.save:
        path = Path(__file__).parent / "results/protocol.json"
        path.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
