"""What a call costs before anything is done with it: the port of OTLP/gRPC, with its limits and without.

    python benchmarks/protocol.py [--save]

Each server answers each Export with an empty message, unread, on one core's worth of interpreter.
"port" is ours: gRPC's asyncio server with `grpc_port/` around it, in a thread of its own. "asyncio" is
the same without limits, in the main thread. "threads" is gRPC's server with 64 threads. 64 calls of one
span of 1 kB are under way at any time, sent from Go. They take turns, five times.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import psutil
import uvloop
from ingest import METHOD, GoSenders

from otel_threads.grpc_port.limits import Limits
from otel_threads.grpc_port.loop import LoopThread
from otel_threads.grpc_port.server import Server

ROUNDS, SECONDS, SENDERS = 5, 3.0, 64
MIB = 1 << 20
SERVICE, _, NAME = METHOD.strip("/").partition("/")


async def export(messages, _context) -> bytes:
    async for _ in messages:
        break
    return b""


async def serve_port() -> None:
    loop = LoopThread("grpc")

    async def make() -> int:
        limits = Limits(
            request_bytes_max=64 * MIB, receiving_bytes_max=128 * MIB, connections_max=1000
        )
        server = Server(limits, port="benchmark")
        handlers = {NAME: grpc.stream_unary_rpc_method_handler(export)}
        server.add_registered_method_handlers(SERVICE, handlers)
        kept.append(server)
        return await server.open("127.0.0.1:0", None)

    kept: list[Server] = []
    print(await loop.run(make()), flush=True)
    await asyncio.Event().wait()


async def serve_asyncio() -> None:
    async def answer(_payload: bytes, _context: grpc.aio.ServicerContext) -> bytes:
        return b""

    server = grpc.aio.server()
    handlers = {NAME: grpc.unary_unary_rpc_method_handler(answer)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


async def serve_threads() -> None:
    server = grpc.server(ThreadPoolExecutor(SENDERS))
    handlers = {NAME: grpc.unary_unary_rpc_method_handler(lambda _payload, _context: b"")}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    await asyncio.Event().wait()


SERVERS = {"port": serve_port, "asyncio": serve_asyncio, "threads": serve_threads}


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
    result["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    print(json.dumps(result, indent=2))
    if options.save:
        path = Path(__file__).parent / "results/protocol.json"
        path.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
