"""What reading costs at 10M spans, 1M traces, 100k threads: p50 and p99 of each call through REST.

    python benchmarks/query.py [--spans 10000000] [--rounds 40] [--keep FOLDER] [--save]

The data are made by the database itself, in the tables that the deriver fills: ten spans a trace,
ten traces a thread, two messages a turn, texts of 50 to 400 characters, a hundredth with errors,
a tenth of the threads scored. The floor in the same run is `GET /healthz`, which asks no database.
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from hashlib import md5
from pathlib import Path

import httpx

from otel_threads.database.database import Database

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from conftest import Server

TRACES_A_THREAD, SPANS_A_TRACE = 10, 10
BUDGETS_MS = {  # design, section 9: (p50, p99)
    "thread list, page 1": (20, 60),
    "thread list, page 1, all projects": (20, 60),
    "search by id prefix": (20, 60),
    "thread header": (20, 60),
    "one thread with 200 spans": (30, None),
    "one trace": (30, None),
    "stats over all threads": (150, None),
}

WORDS = "repeat(md5(n::varchar) || ' lorem ipsum ', 1 + (n % 8)::int)"
COMMON = """
    10 + n % 900 as input_tokens, 5 + n % 90 as output_tokens, 15 + n % 990 as total_tokens,
    null::bigint as cache_read_tokens, null::bigint as cache_write_tokens,
    null::bigint as reasoning_tokens, null::bigint as input_audio_tokens,
    null::bigint as output_audio_tokens, 0.0001 * (n % 100) as cost_usd,
    'estimated' as cost_source, false as cost_is_partial,
    ['gpt-4o-mini'] as models, ['openai'] as providers"""
ABOUT = """
    ['shop'] as services, ['user-' || n % 5000] as users, ['prod'] as environments,
    case when n % 20 = 0 then ['vip'] else [] end::varchar[] as tags,
    map {'plan': case when n % 3 = 0 then 'pro' else 'free' end} as metadata"""


def tables(threads: int, *, node: int = 0, nodes: int = 1) -> dict[str, str]:
    """Return the query that fills each table, over n from 0; of several nodes, what one has."""
    traces = threads * TRACES_A_THREAD
    start = time.time_ns() - 30 * 86_400 * 10**9
    step = 30 * 86_400 * 10**9 // traces
    # A thousand people talk at once: the traces of a thread lie a thousand traces apart.
    trace = (
        f"select n, (n // 10000) * 1000 + n % 1000 as t, (n % 10000) // 1000 as turn,"
        f" {start} + n * {step} as began from range({traces}) r(n)"
        f" where ((n // 10000) * 1000 + n % 1000) % {nodes} = {node}"
    )
    first, last = "((n // 1000) * 10000 + n % 1000)", "((n // 1000) * 10000 + n % 1000 + 9000)"
    return {
        "spans": f"""
            select n + 1 as ingest_seq, make_timestamptz((began + i * 1000000) // 1000) as received_at,
                'default' as project, md5((n + 1)::varchar) as trace_id,
                lower(printf('%016x', n * {SPANS_A_TRACE} + i + 1)) as span_id,
                case when i > 0 then lower(printf('%016x', n * {SPANS_A_TRACE} + 1)) end
                    as parent_span_id, 1 as flags, case when i = 0 then 'turn' else 'chat' end as name,
                'internal' as kind, make_timestamptz((began + i * 1000000) // 1000) as start_time,
                began + i * 1000000 as start_time_unix_nano, began + 900000000 as end_time_unix_nano,
                900.0 as duration_ms, 'unset' as status_code, '' as status_message,
                map {{'gen_ai.conversation.id': 'chat-' || t, 'gen_ai.operation.name': 'chat',
                      'gen_ai.request.model': 'gpt-4o-mini', 'step': i::varchar}} as attributes,
                'sssi' as attribute_types, 'shop' as service_name,
                map {{'service.name': 'shop'}} as resource_attributes,
                's' as resource_attribute_types, 'bench' as scope_name, '1' as scope_version,
                null as extras
            from ({trace}), range({SPANS_A_TRACE}) s(i)""",
        "traces": f"""
            select 'default' as project, md5((n + 1)::varchar) as trace_id,
                ('0x' || left(md5((n + 1)::varchar), 15))::bigint as trace_key,
                'chat-' || t as thread_id, ['chat-' || t] as thread_ids,
                'gen_ai.conversation.id' as thread_id_source, false as is_copy,
                lower(printf('%016x', n * {SPANS_A_TRACE} + 1)) as root_span_id, 'turn' as name,
                make_timestamptz(began // 1000) as start_time,
                make_timestamptz(began // 1000 + 900000) as end_time, began as start_time_unix_nano,
                began + 900000000 as end_time_unix_nano, 900.0 + n % 5000 as duration_ms,
                make_timestamptz(began // 1000) as created_at, make_timestamptz(began // 1000) as updated_at,
                n + 1 as first_sequence, n + 1 as last_sequence, 1 as turn_count,
                {SPANS_A_TRACE} as span_count, (n % 100 = 0)::int as error_count, 2 as call_count,
                {WORDS} as first_message, {WORDS} as last_message, {ABOUT}, {COMMON}
            from ({trace})""",
        "x_trace_slices": f"""
            select 'default' as project, md5((n + 1)::varchar) as trace_id,
                'chat-' || t as thread_id, 'gen_ai.conversation.id' as thread_id_source,
                began as start_time_unix_nano, began + 900000000 as end_time_unix_nano,
                began as received_unix_nano, began as created_unix_nano, n + 1 as first_sequence,
                n + 1 as last_sequence, n + 1 as trace_sequence, {SPANS_A_TRACE} as span_count,
                (n % 100 = 0)::int as error_count, 2 as call_count, {ABOUT}, {COMMON}
            from ({trace})""",
        "calls": f"""
            select * exclude (models, providers, cost_is_partial) from (
            select 'default' as project, 'chat-' || t as thread_id,
                md5((n + 1)::varchar) as trace_id,
                lower(printf('%016x', n * {SPANS_A_TRACE} + 2 + i)) as span_id, 'chat' as name,
                make_timestamptz(began // 1000) as start_time, began as start_time_unix_nano,
                began + 900000000 as end_time_unix_nano, 900.0 as duration_ms,
                'gpt-4o-mini' as request_model, 'gpt-4o-mini' as response_model,
                'openai' as provider, 'resp-' || n || '-' || i as response_id,
                ['bench'] as reported_by, ['stop'] as finish_reasons,
                100.0 + n % 400 as time_to_first_token_ms, {COMMON}
            from ({trace}), range(2) c(i))""",
        "turns": f"""
            select 'default' as project, 'chat-' || t as thread_id, turn as turn_index,
                md5((n + 1)::varchar) as trace_id,
                [md5((n + 1)::varchar)] as trace_ids,
                lower(printf('%016x', n * {SPANS_A_TRACE} + 1)) as span_id, 'turn' as name,
                make_timestamptz(began // 1000) as start_time,
                make_timestamptz(began // 1000 + 900000) as end_time, began as start_time_unix_nano,
                began + 900000000 as end_time_unix_nano, 900.0 + n % 5000 as duration_ms,
                100.0 + n % 400 as time_to_first_token_ms, {WORDS} as "user", {WORDS} as assistant,
                'You are a shop assistant.' as system, n % 100 = 0 as has_error, '[]' as tool_calls,
                2 as call_count, {SPANS_A_TRACE} as span_count, 2 as message_count, {COMMON}
            from ({trace})""",
        "messages": f"""
            select 'default' as project, 'chat-' || t as thread_id,
                md5((n + 1)::varchar) as trace_id, turn as turn_index,
                i as message_index, began as start_time_unix_nano,
                lower(printf('%016x', n * {SPANS_A_TRACE} + 2)) as span_id,
                case when i = 0 then 'user' else 'assistant' end as role,
                {WORDS.replace("md5(n::varchar)", "md5((2 * n + i)::varchar)")} as text
            from ({trace}), range(2) m(i)""",
        "x_thread_facts": f"""
            select 'default' as project, 'chat-' || n as thread_id,
                'gen_ai.conversation.id' as thread_id_source,
                make_timestamptz(({start} + {first} * {step}) // 1000) as first_activity_time,
                make_timestamptz(({start} + {last} * {step}) // 1000 + 900000)
                    as last_activity_time,
                make_timestamptz(({start} + {first} * {step}) // 1000) as created_at,
                make_timestamptz(({start} + {last} * {step}) // 1000) as updated_at,
                {9000 * step / 1e6} + n % 977 as duration_ms,
                {TRACES_A_THREAD} as turn_count, {TRACES_A_THREAD} as trace_count,
                {TRACES_A_THREAD * SPANS_A_TRACE} as span_count, {2 * TRACES_A_THREAD} as message_count,
                (n % 100 = 0)::int * 10 as error_count, {2 * TRACES_A_THREAD} as call_count,
                {first} + 1 as first_sequence, {last} + 1 as last_sequence,
                {last} + 1 as last_trace_sequence,
                make_timestamptz(({start} + {last} * {step}) // 1000) as last_trace_at,
                {WORDS} as first_message, {WORDS} as last_message, {ABOUT}, {COMMON}
            from range({threads}) r(n) where n % {nodes} = {node}""",
        "x_score_records": f"""
            select 'default' as project, 'chat-' || (n * 10) as thread_id, 'quality' as name,
                (n % 100) / 100 as value, 'api' as source, 'ann' as author, now() as created_at,
                now() as updated_at, {traces} as sequence from range({threads // 10}) r(n)
            where (n * 10) % {nodes} = {node}""",
        "x_derive_state": f"select {traces} as derived_sequence",
    }


def build(path: str, threads: int, **of_node: int) -> float:
    """Fill a new file; return the seconds that it took."""
    started = time.monotonic()
    database = Database(path, memory_limit_bytes=8 << 30)
    for table, query in tables(threads, **of_node).items():
        with database.transaction() as cursor:
            if table == "x_derive_state":
                cursor.execute("delete from x_derive_state")
            cursor.execute(f"insert into {table} by name {query}")
        print(f"  {table:<14} {time.monotonic() - started:7.1f} s", file=sys.stderr)
    database.close()
    return time.monotonic() - started


def calls(threads: int, dice: random.Random) -> dict[str, tuple[str, dict[str, object]]]:
    """Return the calls to measure, with ids of their own each time."""
    thread, trace = dice.randrange(threads), dice.randrange(1, threads * TRACES_A_THREAD)
    one = {"thread_id": f"chat-{thread}"}
    return {
        "healthz (floor)": ("/../../healthz", {}),
        "thread list, page 1": ("/threads", {}),
        "thread list, page 1, all projects": ("/threads", {"project": "*"}),
        "thread list by cost": ("/threads", {"sort": "-cost_usd"}),
        "search by id prefix": ("/threads", {"filter": f'thread_id starts_with "chat-{thread}"'}),
        "filter by number": ("/threads", {"filter": "error_count > 0 and duration_ms > 90s"}),
        "filter by score": ("/threads", {"filter": "scores.quality < 0.5"}),
        "filter by tag and user": (
            "/threads",
            {"filter": f'tag = "vip" and user = "user-{thread % 5000}"'},
        ),
        "search in all messages": ("/threads", {"search": f"{thread:032x}"[:12] + "zz"}),
        "thread header": ("/threads/get", one),
        "turns of a thread": ("/threads/turns", one),
        "one thread with 200 spans": ("/threads/transcript", one),
        "trace list, page 1": ("/traces", {}),
        "traces of a thread": ("/traces", one),
        "one trace": (f"/traces/{md5(str(trace).encode()).hexdigest()}", {}),
        "stats over all threads": ("/threads/stats", {}),
        "stats over a filter": ("/threads/stats", {"filter": "error_count > 0"}),
        "projects": ("/projects", {}),
        "status": ("/status", {}),
    }


def main() -> None:
    """Measure, print a table, and save when asked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--spans", type=int, default=10_000_000)
    arguments.add_argument("--rounds", type=int, default=40)
    arguments.add_argument("--keep", help="where the file is, made when it is not there")
    arguments.add_argument("--memory", type=int, help="the setting memory_limit_bytes")
    arguments.add_argument("--only", help="calls with this in their name")
    arguments.add_argument("--save", action="store_true")
    given = arguments.parse_args()
    threads = given.spans // (TRACES_A_THREAD * SPANS_A_TRACE)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(given.keep) if given.keep else Path(folder)
        database = home / "otel-threads.duckdb"
        built_s = None if database.exists() else build(str(database), threads)
        server = Server(
            home,
            query_timeout_s=120,
            **({"memory_limit_bytes": given.memory} if given.memory else {}),
        ).start()
        try:
            rows = measure(server, threads, given.rounds, given.only)
        finally:
            server.stop()
        size = database.stat().st_size
    result = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "command": "benchmarks/query.py " + " ".join(sys.argv[1:]),
        "spans": given.spans,
        "traces": threads * 10,
        "threads": threads,
        "database_bytes": size,
        "built_s": built_s,
        "calls": rows,
    }
    if given.save:
        path = Path(__file__).parent / "results/query.json"
        path.write_text(json.dumps(result, indent=1) + "\n")


def measure(
    server: Server, threads: int, rounds: int, only: str | None
) -> dict[str, dict[str, float | bool]]:
    """Ask every call in turn, so that noise falls on all of them alike."""
    dice = random.Random(1)
    times: dict[str, list[float]] = {}
    with httpx.Client(base_url=server.api, timeout=300) as client:
        for _ in range(rounds):
            for name, (path, query) in calls(threads, dice).items():
                if only and only not in name:
                    continue
                started = time.perf_counter()
                answer = client.get(
                    path.replace("/../..", server.api.removesuffix("/api/v1"))
                    if path.startswith("/../..")
                    else path,
                    params=query,
                )
                times.setdefault(name, []).append((time.perf_counter() - started) * 1000)
                assert answer.status_code == 200, answer.text
    rows = {}
    for name, found in times.items():
        found = sorted(found[1:] or found)  # the first call warms up
        p50, p99 = statistics.median(found), found[min(len(found) - 1, int(len(found) * 0.99))]
        budget = BUDGETS_MS.get(name)
        met = budget is None or (p50 < budget[0] and (budget[1] is None or p99 < budget[1]))
        rows[name] = {"p50_ms": round(p50, 1), "p99_ms": round(p99, 1), "budget_met": met}
        told = (
            f"budget {budget[0]}/{budget[1] or '-'} {'met' if met else 'MISSED'}" if budget else ""
        )
        print(f"{name:<36} p50 {p50:8.1f} ms   p99 {p99:8.1f} ms   {told}")
    return rows


if __name__ == "__main__":
    main()
