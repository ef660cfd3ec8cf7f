"""Time from the command to the last listener, on a new file and on one of a gigabyte; idle memory.
And what a command takes, `threads list`, with a server and without.

python benchmarks/start.py [--save]
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from ingest import serve, serving_pid

from otel_threads.database.database import Database

GIGABYTE = 10**9
ROUNDS = 5


def grow(path: Path) -> None:
    """Fill the file with spans and long random values until it is a gigabyte."""
    database = Database(str(path), memory_limit_bytes=512 << 20)
    text = " || ".join("md5(random()::varchar)" for _ in range(40))
    n = 0
    while database.size_bytes() < GIGABYTE:
        n += 1
        with database.cursor() as cursor:
            cursor.execute(
                "insert into spans by name select $n as ingest_seq, now() as received_at,"
                " 'default' as project, md5((i // 8)::varchar || $n) as trace_id,"
                " left(md5(i::varchar || $n), 16) as span_id, 'chat' as name,"
                " now() as start_time, epoch_us(now()) * 1000 as start_time_unix_nano,"
                " epoch_us(now()) * 1000 as end_time_unix_nano from range(50000) t(i)",
                {"n": n},
            )
            cursor.execute(
                "insert into x_content_chunks by name select $n as ingest_seq, 'default' as project,"
                " md5((i // 8)::varchar || $n) as trace_id,"
                " left(md5(i::varchar || $n), 16) as span_id,"
                f" now() as start_time, 'gen_ai.input.messages' as key, {text} as value"
                " from range(50000) t(i)",
                {"n": n},
            )
            cursor.execute("checkpoint otel_threads")
    with database.cursor() as cursor:
        cursor.execute("update x_derive_state set derived_sequence = $n", {"n": n})
    database.close()


def measure(folder: Path) -> dict:
    """Start and stop the server a few times; return the median time and the memory of the last."""
    times = []
    for _ in range(ROUNDS):
        (folder / "ready.json").unlink(missing_ok=True)
        started = time.monotonic()
        process, _ = serve(folder)
        times.append(time.monotonic() - started)
        memory = psutil.Process(serving_pid(folder)).memory_info()
        supervisor = psutil.Process(process.pid).memory_full_info()
        process.terminate()
        process.wait()
    return {
        "ready_s": round(statistics.median(times), 2),
        "resident_mb": round(memory.rss / 1e6),
        "resident_without_libraries_mb": round((memory.rss - memory.shared) / 1e6),
        "supervisor_uss_mb": round(supervisor.uss / 1e6, 1),
    }


def command_s(folder: Path) -> float:
    """Return the median time of one command on the database of a folder."""
    database = str(folder / "db.duckdb")
    times = []
    for _ in range(ROUNDS):
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "otel_threads", "threads", "list", "--database", database],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        times.append(time.monotonic() - started)
    return round(statistics.median(times), 2)


def of_a_command(folder: Path) -> dict:
    """Return what a command takes with a server, and on the file."""
    process, _ = serve(folder)
    served_s = command_s(folder)
    process.terminate()
    process.wait()
    return {"served_s": served_s, "on_file_s": command_s(folder)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    report = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "command": " ".join(["benchmarks/start.py", *sys.argv[1:]]),
    }
    with tempfile.TemporaryDirectory() as name:
        report["new_file"] = measure(Path(name))
        report["threads_list"] = of_a_command(Path(name))
    with tempfile.TemporaryDirectory() as name:
        grow(Path(name) / "db.duckdb")
        report["file_of_1_gb"] = measure(Path(name))
    print(json.dumps(report))
    if options.save:
        path = Path(__file__).parent / "results" / "start.json"
        path.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
