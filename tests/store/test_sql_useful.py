"""What analysts ask: all of it must go on working within the bounds of external SQL."""

import httpx
import pytest
from builders import a_chat, a_request

USEFUL = (
    # times
    "from generate_series(timestamptz '2026-01-01', timestamptz '2026-02-01', interval 1 hour)",
    "select day, count(start_time) as turns from generate_series(current_date - interval 30 day, current_date, interval 1 day) d(day) left join turns on start_time::date = day::date group by all order by 1",
    "select time_bucket(interval 5 minute, start_time) as at, count(*) from turns group by all",
    "select date_trunc('week', start_time) as week, count(distinct thread_id) from turns group by 1",
    "select strftime(start_time, '%Y-%m-%d %H:%M') as minute, dayname(start_time), hour(start_time) from turns",
    "select extract(epoch from max(start_time) - min(start_time)) from turns",
    "select age(now(), min(start_time)), date_diff('minute', min(start_time), now()) from turns",
    "select start_time at time zone 'Europe/Berlin' from turns",
    "select to_timestamp(0), make_date(2026, 1, 2), last_day(date '2026-02-01'), epoch_ms(now()::timestamp)",
    # strings and regexes
    "select regexp_extract(text, 'Question (\\d+)', 1) as n from messages",
    "select regexp_replace(text, '\\s+', ' ', 'g'), regexp_matches(text, '(?i)question') from messages",
    "select regexp_extract_all(text, '\\w+') from messages",
    "select word, count(*) from (select unnest(string_split(lower(text), ' ')) as word from messages) group by all order by 2 desc",
    "select lpad(turn_index::varchar, 5, '0'), rpad('x', 10, '.'), repeat('-', 20) from turns",
    "select printf('%5.2f EUR', 1.5), format('{:>8} {}', 'a', 'b'), format_bytes(1234567)",
    "select levenshtein('kitten', 'sitting'), jaccard('duck', 'luck'), jaro_winkler_similarity('a', 'ab'), damerau_levenshtein('ab', 'ba')",
    "select trim(text), upper(text), left(text, 5), substr(text, 2, 3), length(text), strlen(text), reverse(text) from messages",
    "select concat_ws(' | ', role, text), text || '!', contains(text, 'Q'), starts_with(text, 'Q') from messages",
    "select split_part('a/b/c', '/', 2), replace('abc', 'b', 'x'), translate('abc', 'ab', 'xy'), position('b' in 'abc')",
    "select md5(text), sha256(text), hash(text), hex(text), base64(encode(text)), decode(encode(text)), url_encode(text) from messages",
    "select text from messages where text like 'Q%' or text ilike '%a_s%' or text similar to '.*1'",
    "select string_agg(text, ' / ' order by message_index) from messages group by thread_id, turn_index",
    "select bar(turn_count, 0, 10, 20) from threads",
    # lists, structs, maps
    "select [x * 2 for x in [1, 2, 3] if x > 1] as l",
    "select list_transform(services, lambda s: upper(s)), list_filter(models, lambda m: m is not null) from threads",
    "select list_reduce([1, 2, 3], lambda a, b: a + b), list_sort([3, 1, 2]), list_distinct([1, 1]), list_contains([1], 1)",
    "select list_aggregate([1, 2, 3], 'sum'), list_sum([1, 2]), list_avg([1, 2]), array_to_string(['a', 'b'], ',')",
    "select list_zip([1, 2], ['a', 'b'])::varchar, flatten([[1], [2]]), list_slice([1, 2, 3], 1, 2), [1, 2, 3][2:], len([1])",
    "select {'a': 1, 'b': 'x'}.a, struct_pack(a := 1), row(1, 2)::varchar, map {'a': 1}['a'], map_keys(map {'a': 1})",
    "select unnest(services), unnest([{'a': 1}], recursive := true) from threads",
    "select thread_id, list({'i': turn_index, 'ms': duration_ms} order by turn_index) from turns group by 1",
    "select range(5), generate_series(1, 10, 2), list_resize([1], 3), list_cosine_similarity([1.0, 2.0], [2.0, 1.0])",
    "select histogram(turn_count), mode(turn_count), approx_top_k(status, 3), entropy(turn_count) from threads",
    # JSON
    "select attributes ->> 'gen_ai.request.model', json_extract_string('{\"a\": {\"b\": 1}}', '$.a.b') from (select '{}'::json as attributes)",
    "select to_json({'a': [1, 2]}), json_object('a', 1), json_array(1, 2), json_array_length('[1, 2]'), json_keys('{\"a\": 1}')",
    'select key, value from json_each(\'{"a": 1, "b": 2}\')',
    "select json_structure('[{\"a\": 1}]'), json_type('1'), json_valid('{'), from_json('[1]', '[\"int\"]')",
    "select json_group_array(thread_id), json_group_object(thread_id, turn_count) from threads",
    # aggregates
    "select quantile_cont(duration_ms, [0.5, 0.9, 0.99]), median(duration_ms), approx_quantile(duration_ms, 0.5) from turns",
    "select avg(duration_ms), stddev(duration_ms), var_pop(duration_ms), min(duration_ms), max(duration_ms), sum(duration_ms) from turns",
    "select arg_max(text, length(text)), arg_min(text, length(text), 3), max_by(role, message_index), first(text order by text) from messages",
    "select corr(turn_count, turn_count), regr_slope(turn_count, turn_count), skewness(turn_count), kurtosis(turn_count) from threads",
    "select count(*) filter (has_error), count_if(has_error), bool_or(has_error), approx_count_distinct(thread_id) from turns",
    "select percentile_cont(0.95) within group (order by duration_ms) from turns",
    "select status, count(*) from threads group by rollup (status)",
    "select project, status, count(*), grouping(project) from threads group by cube (project, status)",
    "select project, count(*) from threads group by grouping sets ((project), ())",
    "select status, count(*) as n from threads group by all having n > 0 order by all",
    # windows
    "select thread_id, row_number() over (partition by thread_id order by start_time), lag(start_time) over (partition by thread_id order by turn_index) from turns",
    "select sum(turn_count) over (order by first_activity_time rows between 6 preceding and current row) from threads",
    "select thread_id, rank() over (order by turn_count desc), ntile(4) over (order by turn_count), percent_rank() over (order by turn_count) from threads",
    "from turns qualify row_number() over (partition by thread_id order by turn_index desc) = 1",
    "select avg(duration_ms) over w, max(duration_ms) over w from turns window w as (partition by thread_id)",
    "select first_value(text ignore nulls) over (order by message_index), nth_value(text, 2) over (order by message_index) from messages",
    # joins, sets and the rest of SELECT
    "select t.thread_id, u.turn_index from threads t join turns u using (thread_id) left join scores s on s.thread_id = t.thread_id",
    "select * from threads t, lateral (select count(*) as n from turns u where u.thread_id = t.thread_id)",
    "select thread_id from threads where exists (select 1 from turns u where u.thread_id = threads.thread_id and u.turn_index > 1)",
    "select thread_id, (select max(duration_ms) from turns u where u.thread_id = t.thread_id) from threads t",
    "from threads semi join turns using (thread_id)",
    "from threads anti join scores using (thread_id)",
    "select * from turns a asof join turns b on a.thread_id = b.thread_id and a.start_time >= b.start_time",
    "select 1 union all select 2 except select 3 intersect select 3",
    "with recursive up as (select 1 as i union all select i + 1 from up where i < 100) select sum(i) from up",
    "with recursive tree as (select span_id, parent_span_id, 0 as depth from spans where parent_span_id is null union all select s.span_id, s.parent_span_id, depth + 1 from spans s join tree on s.parent_span_id = tree.span_id) select max(depth) from tree",
    "select distinct on (thread_id) thread_id, start_time from turns order by thread_id, start_time desc",
    "select * exclude (project) replace (upper(thread_id) as thread_id) from threads",
    "select columns('.*_ms') from turns",
    "unpivot (select 1 as a, 2 as b) on a, b into name key value amount",
    "from threads using sample 2 rows",
    "select case when turn_count > 1 then 'long' else 'short' end, coalesce(null, 1), nullif(1, 1), greatest(1, 2), try_cast('x' as int) from threads",
    "select round(1.234, 2), floor(1.5), ceil(1.5), abs(-1), power(2, 3), sqrt(4), ln(2), log10(100), 7 // 2, 7 % 2, 2 ** 3, factorial(5)",
    "select random() >= 0, uuid() is not null, typeof(1), version() is not null, current_database(), pg_typeof(1)",
    "summarize turns",
    "describe turns",
    "show tables",
    "show all tables",
    "explain from threads",
    "explain analyze select count(*) from turns",
    "select table_name, column_name, comment from duckdb_columns() where table_name = 'threads'",
    "select table_name from information_schema.tables",
    "select * from sqlite_master",
    "select function_name from duckdb_functions() where function_name like 'list%'",
    "values (1, 'a'), (2, 'b')",
    "select count(*) from threads where thread_id in ("
    + ", ".join(f"'chat-{n:032}'" for n in range(10_000))
    + ")",
)


@pytest.fixture(scope="module")
def filled(server):
    chats = [a_chat(f"chat-{n % 5}", f"Question {n}", f"Answer {n}") for n in range(20)]
    assert server.post(a_request(*chats)).status_code == 200
    server.wait_derived()
    return server


def test_there_are_sixty():
    assert len(set(USEFUL)) >= 60


@pytest.mark.parametrize("sql", USEFUL, ids=lambda sql: sql[:50])
@pytest.mark.parametrize("format", ["json", "arrow"])
def test_an_analyst_gets_an_answer(filled, sql, format):
    response = httpx.post(f"{filled.api}/sql", json={"sql": sql, "format": format}, timeout=120)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("pivot turns on has_error using count(*) group by project", ["project", "false"]),
        (
            "PIVOT (select 'it''s' as word, 1 as n union all select null, 2)\n"
            "ON word USING sum(n), count(*) ;",
            ["it's_sum(n)", "it's_count_star()"],
        ),
        ("pivot turns on has_error in (true) using count(*) group by project", ["project", "true"]),
        (
            "pivot (select unnest(['a' || chr(0) || 'b', 'it''s']) as model, 1 as n)"
            " on model using sum(n)",
            ["a\u2400b", "it's"],
        ),
        (
            "pivot (from range(3) t(n)) on n % 2 using sum(n)",
            ["0", "1"],
        ),
    ],
)
def test_a_pivot_finds_its_values(filled, sql, columns):
    answer = httpx.post(f"{filled.api}/sql", json={"sql": sql})
    assert answer.status_code == 200, answer.text
    assert [one["name"] for one in answer.json()["columns"]] == columns


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("pivot turns on has_error, project using count(*)", "this PIVOT needs its values"),
        ("pivot (from turns where false) on has_error using count(*)", "nothing to pivot on"),
        ("pivot (select range as n from range(500)) on n using count(*)", "more than 200 values"),
        ("pivot turns on getenv('HOME') using count(*)", "getenv is not allowed"),
        ("pivot (from read_text('/etc/passwd')) on content using count(*)", "read_text"),
        (
            "pivot turns on has_error from turns; drop table turns; -- using count(*)",
            "syntax error",
        ),
        ("pivot turns on has_error using count(*); drop table turns", ""),
        ("select turn_scores from threads", "; the view annotated_threads has it"),
    ],
)
def test_a_query_that_cannot_be_is_told(filled, sql, told):
    answer = httpx.post(f"{filled.api}/sql", json={"sql": sql})
    assert answer.status_code == 400, answer.text
    assert told in answer.json()["detail"]


def test_show_tables_lists_what_is_made_for_people(server):
    names = [
        row[0]
        for row in httpx.post(f"{server.api}/sql", json={"sql": "SHOW tables;"}).json()["rows"]
    ]
    assert {"threads", "turns", "messages", "spans", "scores"} <= set(names)
    assert not [name for name in names if name.startswith("x_") or name == "schema_version"]
    assert names == sorted(names)
