"""Which tables a lake has, and what a row of each belongs to: the one place that says so.

A row belongs to a unit (a trace, a thread, or itself) and was shipped by a node in a batch. A unit
that changes is shipped again whole, and its rows of earlier batches are dead: an entry in
`lake_dead` says so, until one process deletes them. Nothing is ever updated, so that nodes never
conflict.
"""

from dataclasses import dataclass

# Kinds: rows die of the entries of their kind.
RAW, DERIVED, SAID, RECORDS = "raw", "derived", "said", "records"
STORED = "stored"  # the schema of the tables; `main` has the views that people read
THREAD_UNIT = "length(project) || ':' || project || thread_id"  # no trace id holds a colon
BATCHES, DEAD, VERSIONS, ROUNDS = "lake_batches", "lake_dead", "lake_versions", "lake_rounds"
JOINED_UNITS, POSITIONS = "lake_joined", "lake_positions"
EDITS = "lake_edits"  # what was written at readers, for the nodes to apply
JOINED = "joined"  # the node of rows that were derived from several nodes' spans
READERS = "readers"  # the node of rows that were written at readers, until a node has them
OF_THREADS, OF_ALL = "threads", "all"  # who applies an edit: nodes that have its thread, or all
OF_LAKE = "lake"  # what the owner's rules write of joined threads: it stays in the lake
OWN_COLUMNS = ("lake_node", "lake_batch", "lake_unit")


_ITSELF = "md5(to_json(t)::varchar)"


@dataclass(frozen=True, slots=True)
class Shipped:
    """A table of a node that the lake has, too. `unit` is SQL over its columns.

    `rowid`: queries of readers name the row by its place. `latest`: of rows with the same keys,
    which several nodes may have, the one with the highest `latest` counts. `edited`: it is written
    at readers, too; which nodes then apply that. Its keys name a row on a node, as well.
    """

    name: str
    kind: str
    unit: str
    rowid: bool = False
    keys: tuple[str, ...] = ()
    latest: str = "lake_batch"
    timed: str = ""  # a time that counts instead of `sequence` for threads that were joined
    rows_max: int = 20_000  # of a batch
    edited: str = ""

    @property
    def mark(self) -> str:
        """SQL whose values differ, over all rows `t`, once the table has other rows."""
        return "hash(t)" if self.unit == _ITSELF else f"hash({self.unit})"


_TURN_UNIT = f"case when thread_id is null then trace_id else {THREAD_UNIT} end"


_SCORED = ("project", "thread_id", "trace_id", "span_id", "turn_index", "name", "author")


def _said(
    name: str,
    *keys: str,
    latest: str = "lake_batch",
    rowid: bool = False,
    timed: str = "",
    edited: str = "",
) -> Shipped:
    return Shipped(
        name, SAID, _ITSELF, keys=keys, latest=latest, rowid=rowid, timed=timed, edited=edited
    )


RAW_TABLES = (
    Shipped("spans", RAW, "trace_id", rowid=True),
    Shipped("x_content_chunks", RAW, "trace_id"),
    Shipped("span_events", RAW, "trace_id"),
    Shipped("span_links", RAW, "trace_id"),
    Shipped("log_records", RAW, "trace_id"),
    Shipped("x_log_chunks", RAW, "trace_id"),
)
# What SDKs of other products sent, whole: raw, as spans are, and of a unit that never changes.
RECORD_TABLES = (Shipped("x_sdk_records", RECORDS, "t.record_id::varchar"),)
TRACE_TABLES = (
    Shipped("traces", DERIVED, "trace_id", rowid=True),
    Shipped("x_trace_slices", DERIVED, "trace_id"),
    Shipped("calls", DERIVED, "trace_id"),
    Shipped("x_evaluations", DERIVED, "evidence_trace_id"),
    Shipped("x_tool_links", DERIVED, "trace_id"),
)
THREAD_TABLES = (
    Shipped("x_thread_facts", DERIVED, THREAD_UNIT, rowid=True),
    Shipped("turns", DERIVED, _TURN_UNIT),
    Shipped("messages", DERIVED, _TURN_UNIT),
    Shipped("x_turn_chunks", DERIVED, _TURN_UNIT),
)
# What people and rules said: small, and compared whole.
SAID_TABLES = (
    _said("comments", "id", latest="updated_at", edited=OF_THREADS),
    _said(
        "x_score_records",
        *_SCORED,
        "updated_at",  # what was superseded stays
        latest="updated_at",
        timed="updated_at",
        edited=OF_THREADS,
    ),
    _said(
        "x_tag_changes",
        *("project", "thread_id", "trace_id", "tag"),
        latest="updated_at",
        edited=OF_THREADS,
    ),
    _said(
        "x_lifecycle",
        *("project", "thread_id"),
        latest="changed_at",
        timed="changed_at",
        edited=OF_THREADS,
    ),
    _said("x_feedback", "feedback_id", latest="updated_at", edited=OF_THREADS),
    _said("saved_views", "project", "name", latest="updated_at", edited=OF_ALL),
    _said("x_project_settings", "project", edited=OF_ALL),
    _said("score_definitions", "project", "name", latest="updated_at", edited=OF_ALL),
    _said("review_queues", "queue_id", latest="updated_at", edited=OF_ALL),
    _said("reviews", *("queue_id", "thread_id", "reviewer"), latest="done_at", edited=OF_ALL),
    _said(
        "x_review_locks",
        *("queue_id", "thread_id", "reviewer"),
        latest="locked_until",
        edited=OF_ALL,
    ),
    _said("x_issue_states", "project", "issue_id", latest="closed_at", edited=OF_ALL),
    _said("x_documents", "kind", "id", latest="updated_at"),
    _said("evaluations"),
    _said("evaluation_datasets", "name", "version", latest="created_at"),
    _said("evaluation_items"),
    _said("evaluation_results", rowid=True),
    _said("rules", "rule_id", latest="updated_at", edited=OF_ALL),
    _said(
        "rule_decisions",
        *("rule_id", "project", "thread_id"),
        latest="decided_at",
        edited=OF_LAKE,
    ),
    _said("rule_runs", "run_id", latest="finished_at", edited=OF_LAKE),
    _said(
        "x_rule_log",
        *("rule_id", "logged_at", "level", "message", "project", "thread_id"),
        rowid=True,
        edited=OF_LAKE,
    ),
    _said("x_rule_backfills", "backfill_id", latest="created_at", edited=OF_LAKE),
    _said("x_attachments"),
    # A megabyte each, and never changed.
    Shipped("x_attachment_chunks", SAID, "id || ':' || chunk_index", rows_max=16),
    _said("x_issue_names", "project", "issue_id", latest="named_at"),
    _said("ask_runs"),
    _said("x_projects", "project", latest="updated_at"),
    _said("x_unlinked_scores"),
    _said("x_workspace", "name"),
    _said("x_settings", "name"),
)
EDITED_TABLES = tuple(table for table in SAID_TABLES if table.edited in (OF_THREADS, OF_ALL))
JUDGED_TABLES = tuple(table for table in SAID_TABLES if table.edited == OF_LAKE)
# What readers count of all that the lake has; a node's own count is of its part, and stays there.
COUNTED_TABLES = (_said("x_issues", "project", "issue_id", latest="counted_at", edited=OF_LAKE),)
TABLES = (
    *RAW_TABLES,
    *RECORD_TABLES,
    *TRACE_TABLES,
    *THREAD_TABLES,
    *SAID_TABLES,
    *COUNTED_TABLES,
)
# What a node has for itself: for deriving, for its rules, for its clock. Readers see them empty.
EMPTY_TABLES = (
    "x_clock_steps",
    "x_derive_state",
    "x_joined_spans",
    "x_lake_edits",
    "x_lake_state",
    "x_log_references",
    "x_outbox",
    "x_part_payloads",
    "x_record_traces",
    "x_rule_progress",
    "x_sdk_record_chunks",
    "x_traces_to_rederive",
    "x_turn_parts",
)


def join_dead(table: Shipped, books: str) -> str:
    """Return the join of a table's rows `t` with entries that end them, without `semi` or `anti`.

    A join, because DuckDB looks up a condition that is not an equation, in an EXISTS, for all rows
    of `t`: that is held in memory.
    """
    return (
        f"join (select lake_node, lake_unit, lake_batch from {books}{DEAD}"  # noqa: S608  # our names
        f" where kind = '{table.kind}') d on d.lake_node = t.lake_node"
        " and d.lake_unit = t.lake_unit and d.lake_batch > t.lake_batch"
    )


def view(
    table: Shipped,
    columns: tuple[str, ...],
    *,
    stored: str = STORED,
    at: str = "",
    books: str = f"{STORED}.",
    rowid: bool = True,
    only: str = "",
) -> str:
    """Return the SELECT over what counts of a table: rows that are not dead.

    Of units that were joined, those of the joined derivation alone. Its sequences are times,
    because commits of several nodes have no order: so those of what was said of them are, too.
    `stored`, `at`: where the tables are, and of which snapshot. `books`: where it is looked up
    which rows no longer count. `only`: the one node whose rows are wanted.
    """
    joined = f"select 1 from {books}{JOINED_UNITS} j where j.lake_unit ="  # noqa: S608  # our names
    shown = ", ".join(f't."{column}"' for column in columns)
    if table.timed:
        time = f"case when exists ({joined} {THREAD_UNIT} and j.kind = '{DERIVED}')"
        time += f" then epoch_us(t.{table.timed}) else t.sequence end as sequence"
        shown = shown.replace('t."sequence"', time)
    if table.rowid and rowid:
        shown = f"t.rowid as rowid, {shown}"
    text = (
        f"select {shown} from {stored}.{table.name} as t {at}"  # noqa: S608  # our names
        f" anti {join_dead(table, books)}"
    )
    if table.kind != SAID:
        text += (  # an equation alone: with another condition of `t` each row would meet each unit
            f" anti join (select lake_unit from {books}{JOINED_UNITS}"  # noqa: S608  # our names
            f" where kind = '{table.kind}') j"
            f" on j.lake_unit = case when t.lake_node <> '{JOINED}' then t.lake_unit end"
        )
    if only:
        text += f" where t.lake_node = '{only}'"
    if table.keys:
        keys = ", ".join(table.keys)
        text += (
            f" qualify row_number() over (partition by {keys}"
            f" order by t.{table.latest} desc nulls last, t.lake_node) = 1"
        )
    return text
