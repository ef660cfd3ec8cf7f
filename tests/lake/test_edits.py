"""What is written at a reader is seen there at once, and reaches the nodes that have the thread, once."""

import contextlib
import dataclasses
import datetime
import secrets
from pathlib import Path

import duckdb
import pytest
from builders import a_chat, new_trace_id
from lakes import PASSWORD, needs_extra, reading
from stores import Store

from otel_threads.core.errors import NotConfigured, Overloaded, StoreFailed, Unavailable
from otel_threads.core.rule import NewRule, Rule, RuleOutput
from otel_threads.core.score import NewComment, NewScore, ScoreTarget
from otel_threads.derive.deriver import derive_all
from otel_threads.engine import last_sequence
from otel_threads.lake import edits, layout, maintenance, owner, report, schema
from otel_threads.lake.applying import Applier
from otel_threads.lake.native import native
from otel_threads.lake.reader_database import LakeDatabase, LakeDeletion
from otel_threads.lake.shipper import Shipper
from otel_threads.store import outbox
from otel_threads.store.annotations.annotation_rows import (
    AnnotationFilter,
    Annotations,
    ScoreFilter,
)
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.rules.rule_rows import RuleRows

pytest_plugins = ["lake_fixtures"]
pytestmark = needs_extra
OF_EDITS = {*schema.BOOKS[layout.EDITS], "node", "is_last", "is_old"}


class Node:
    """A node without ports: what it takes, says and ships."""

    def __init__(self, folder, where) -> None:
        folder.mkdir()
        self.store = Store(str(folder))
        outbox.begin(self.store.database)
        self.annotations = Annotations(
            self.store.database, sequence=lambda: self.store.writer.committed_sequence, timeout_s=60
        )
        self.rules = RuleRows(self.store.database, self.annotations, timeout_s=60)
        self.where = where
        self.start()

    def start(self) -> None:
        """Begin to ship, as after a restart."""
        applier = Applier(self.store.database, self.annotations, self.delete, self.rules)
        self.shipper = Shipper(self.store.database, self.where, applier=applier)

    def delete(self, project, thread_ids) -> None:
        self.store.deletion.threads(project, thread_ids, is_told=False)

    def ship(self) -> None:
        self.shipper.ship()

    def rows(self, table: str) -> list[tuple]:
        with self.store.database.cursor() as cursor:
            return cursor.execute(f"from {table} order by all").fetchall()

    def close(self) -> None:
        self.shipper.close()
        self.store.close()


class Reader:
    """A reader without ports, which renews when it is told to."""

    def __init__(self, where) -> None:
        self.database = LakeDatabase(where, memory_limit_bytes=256 << 20)
        self.annotations = Annotations(
            self.database, sequence=lambda: self.database.newest()[0], timeout_s=60
        )

    def close(self) -> None:
        self.database.close()


@pytest.fixture
def nodes(tmp_path, where):
    found = [Node(tmp_path / f"node-{i}", where) for i in range(2)]
    yield found
    for node in found:
        node.close()


@pytest.fixture
def node(tmp_path, where):
    with contextlib.closing(Node(tmp_path / "node", where)) as found:
        yield found


@contextlib.contextmanager
def a_reader(where):
    with contextlib.closing(Reader(where)) as found:
        yield found


def a_score(thread_id="t", value=1.0, **given):
    given = {"project": "default", "name": "quality", "author": "ada", "source": "ui"} | given
    return NewScore(thread_id=thread_id, value=value, **given)


def values(annotations, **given):
    wanted = ScoreFilter(**given)
    return [one.value for one in annotations.scores(wanted, limit=100, offset=0)]


def texts(annotations):
    found = annotations.comments(AnnotationFilter(project="default"), limit=100, offset=0)
    return [one.text for one in found]


def fresh(reader):
    reader.database.renew()
    return reader


def test_each_kind_is_seen_at_once_and_reaches_the_node(tmp_path, each_where):
    node = Node(tmp_path / "node", each_where)
    node.store.write([a_chat("t", "hi", "ho")])
    node.annotations.put_scores([a_score(value=0.5)])
    old = node.annotations.add_comment(
        NewComment(thread_id="t", text="old", author="bo"), "default"
    )
    node.ship()
    with a_reader(each_where) as reader, a_reader(each_where) as other:
        said = reader.annotations
        said.put_scores([a_score(value=0.75)])  # in place of the node's
        said.put_scores([a_score(name="tone", value=None, category="kind", metadata={"a": "b"})])
        said.add_comment(NewComment(thread_id="t", text="new", author="ada"), "default")
        said.update_comment(old.id, "changed")
        said.change_tags("default", thread_ids=["t"], add=["red", "blue"], remove=[], tags_max=9)
        said.change_tags("default", thread_ids=["t"], add=[], remove=["blue"], tags_max=9)
        assert said.close_threads("default", ["t", "nobody"], closed=True) == (1, ["nobody"])
        said.put_project_settings("default", thread_cooldown_s=7.0)
        for one in (reader, fresh(reader), fresh(other)):
            assert values(one.annotations, name="quality") == [0.75]
            assert texts(one.annotations) == ["changed", "new"]
            with one.database.reading(60) as cursor:
                assert cursor.execute("select tags, status from threads").fetchall() == [
                    (["red"], "inactive")
                ]
        node.ship()
        assert values(node.annotations, name="quality") == [0.75]
        assert texts(node.annotations) == ["changed", "new"]
        with node.store.database.cursor() as cursor:
            found = cursor.execute("select tags, status from threads").fetchall()
            metadata = cursor.execute(
                "select metadata from x_score_records where name = 'tone'"
            ).fetchall()
            settings = cursor.execute("from x_project_settings").fetchall()
        assert (found, metadata) == ([(["red"], "inactive")], [({"a": "b"},)])
        assert settings == [("default", 7.0, None, None, None)]
        # The lake has the node's rows now, and none of the readers'.
        owner.once(each_where, None, node_name="test")
        assert left_of_readers(each_where) == []
        assert report.look(each_where, verify=True).differences == []
        assert values(fresh(reader).annotations, name="quality") == [0.75]
        # What is deleted at a reader is deleted on the node, and stays so.
        said.delete_scores([ScoreTarget(project="default", thread_id="t", name="quality")])
        assert said.delete_comment(old.id) is not None
        assert (values(said, name="quality"), texts(said)) == ([], ["new"])
        node.ship()
        node.shipper.close()
        node.start()
        node.ship()
        assert (values(node.annotations, name="quality"), texts(node.annotations)) == ([], ["new"])
        owner.once(each_where, None, node_name="test")
        assert (values(fresh(other).annotations, name="quality"), texts(other.annotations)) == (
            [],
            ["new"],
        )
    node.close()


def left_of_readers(where) -> list[str]:
    with reading(where) as lake:
        return [
            table.name
            for table in layout.EDITED_TABLES
            if lake.execute(
                f"select 1 from stored.{table.name} where lake_node = '{layout.READERS}'"
            ).fetchone()
        ]


def test_a_change_is_applied_once_whatever_dies_between(node, where):
    node.store.write([a_chat("t", "hi", "ho")])
    node.ship()
    with a_reader(where) as reader:
        reader.annotations.put_scores([a_score(value=0.25)])
        # It dies between applying and shipping: after its start the lake is told.
        node.shipper._connected()
        node.shipper._apply(node.shipper._connection)
        node.shipper.close()
        assert values(node.annotations) == [0.25]
        node.annotations.put_scores([a_score(value=0.9)])  # what comes later at the node counts
        node.start()
        node.ship()
        assert values(node.annotations) == [0.9] == values(fresh(reader).annotations)
        # Killed once the lake has it and before the file says so: told again, nothing changes.
        with node.store.database.transaction() as cursor:
            cursor.execute("update x_lake_edits set is_settled = false")
        node.ship()
        owner.once(where, None, node_name="test")
        assert values(fresh(reader).annotations) == [0.9]
        assert report.look(where, verify=True).differences == []
    assert left_of_readers(where) == []


def test_each_node_applies_what_is_of_its_threads(nodes, where):
    first, second = nodes
    first.store.write([a_chat("a", "hi", "ho"), a_chat("both", "1", "2")])
    second.store.write([a_chat("b", "hi", "ho"), a_chat("both", "3", "4", trace_id=new_trace_id())])
    for node in nodes:
        node.ship()
    with a_reader(where) as reader:
        said = reader.annotations
        said.put_scores(
            [a_score(one, value=i) for i, one in enumerate(("a", "b", "both", "later"))]
        )
        said.add_comment(NewComment(thread_id="both", text="of both"), "default")
        for node in (*nodes, first):
            node.ship()
        assert sorted(values(first.annotations)) == [0, 2]
        assert sorted(values(second.annotations)) == [1, 2]
        owner.once(where, derive, node_name="test")
        assert sorted(values(fresh(reader).annotations)) == [0, 1, 2, 3]
        assert texts(reader.annotations) == ["of both"]
        # A thread that comes later has what was said of it before.
        second.store.write([a_chat("later", "hi", "ho")])
        second.ship()
        assert sorted(values(second.annotations)) == [1, 2, 3]
        second.ship()
        assert sorted(values(fresh(reader).annotations)) == [0, 1, 2, 3]
        said.delete_scores([ScoreTarget(project="default", thread_id="both", name="quality")])
        for node in nodes:
            node.ship()
        assert sorted(values(first.annotations) + values(second.annotations)) == [0, 1, 3]
        assert sorted(values(fresh(reader).annotations)) == [0, 1, 3]


def derive(database):
    derive_all(DuckDBDerivedStore(database), last_sequence(database))


def test_a_score_counts_after_what_its_writer_saw(node, where):
    with node.store.database.transaction() as cursor:
        cursor.execute("insert into x_settings values ('scores_on_new_trace', 'supersede')")
    node.store.write([a_chat("t", "hi", "ho")])
    node.ship()
    with a_reader(where) as reader:
        node.store.write([a_chat("t", "more", "ho", trace_id=new_trace_id())])  # nobody saw this
        reader.annotations.put_scores([a_score(value=0.25)])
        node.ship()
        assert values(node.annotations) == [] == values(fresh(reader).annotations)
        assert values(node.annotations, include_superseded=True) == [0.25]
        reader.annotations.put_scores([a_score(value=0.5)])
        node.ship()
        assert values(node.annotations) == [0.5] == values(fresh(reader).annotations)
        assert sorted(values(reader.annotations, include_superseded=True)) == [0.25, 0.5]


def test_what_is_not_edited_is_renewed_as_well(node, where):
    node.store.write([a_chat("t", "hi", "ho")])
    node.ship()
    with a_reader(where) as reader:
        with node.store.database.transaction() as cursor:
            cursor.execute("insert into rules (rule_id, name) values ('r', 'polite')")
        node.ship()
        assert rules(fresh(reader).database) == ["polite"]
        with node.store.database.transaction() as cursor:
            cursor.execute("delete from rules")
        node.ship()
        assert rules(fresh(reader).database) == []


def rules(database) -> list[str]:
    with database.cursor() as cursor:
        return [name for (name,) in cursor.execute("select name from rules").fetchall()]


def a_rule(name="helpful", **given):
    new = NewRule(name=name, kind="builtin", project="default", outputs=[RuleOutput(name=name)])
    made = {
        **{one.name: getattr(new, one.name) for one in dataclasses.fields(new)},
        "rule_id": secrets.token_hex(8),
        "version": 1,
        "created_at": now(),
        "updated_at": now(),
        "judge_version": "v",
        "counts": {},
        "cost_usd": 0.0,
        "cost_usd_today": 0.0,
        "problem": None,
        **given,
    }
    return Rule(**made)


def names(rows) -> list[tuple[str, int]]:
    return [(one.name, one.version) for one in rows.rules()]


def waiting(node) -> list[str]:
    with node.store.database.cursor() as cursor:
        found = cursor.execute("select thread_id from rule_decisions order by 1").fetchall()
    return [thread_id for (thread_id,) in found]


def test_rules_are_on_all_nodes_also_on_later_ones(tmp_path, nodes, where):
    first, second = nodes
    second.store.write([a_chat("before", "hi", "ho")])
    polite = a_rule("polite")
    first.rules.put(polite, sees_active=True)
    for node in (*nodes, *nodes):
        node.ship()
    assert names(second.rules) == [("polite", 1)] == names(first.rules)
    # What was received before the rule was made is not judged, what came after it is.
    second.store.write([a_chat("after", "hi", "ho")])
    second.rules.sight(second.store.writer.committed_sequence)
    assert waiting(second) == ["after"]
    # Two of one name: what was changed last stays, everywhere.
    first.rules.put(a_rule("same"), sees_active=True)
    second.rules.put(a_rule("same", version=7), sees_active=True)
    for node in (*nodes, *nodes, *nodes):
        node.ship()
    assert names(first.rules) == [("polite", 1), ("same", 7)] == names(second.rules)
    with a_reader(where) as reader:
        rules = RuleRows(reader.database, reader.annotations, timeout_s=60, scope="reader")
        assert names(rules) == [("polite", 1), ("same", 7)]
        rules.put(dataclasses.replace(polite, version=2, updated_at=now()), sees_active=False)
        rules.delete(next(one.rule_id for one in rules.rules() if one.name == "same"))
        assert names(rules) == [("polite", 2)]
        for node in nodes:
            node.ship()
        assert names(first.rules) == [("polite", 2)] == names(second.rules)
        assert waiting(second) == ["after"]
        # Edits grow old; a node that is new hears of rules all the same, and of none that is gone.
        with owner.opened(where) as connection:
            maintenance.drop_old_edits(connection, now(), kept_s=0)
        third = Node(tmp_path / "third", where)
        third.ship()
        assert names(third.rules) == [("polite", 2)]
        third.close()
        fresh(reader)
        assert names(rules) == [("polite", 2)]
    for node in nodes:
        node.ship()
    owner.once(where, None, node_name="test")
    assert left_of_readers(where) == []
    assert report.look(where, verify=True).differences == []


def test_what_cannot_be_written_changes_nothing(node, where, monkeypatch):
    node.store.write([a_chat("t", "hi", "ho")])
    node.ship()
    with a_reader(where) as reader:
        for sql in ("delete from spans", "insert into rule_runs (run_id) values ('r')"):
            with (
                pytest.raises(NotConfigured, match="reads a lake"),
                reader.database.transaction() as c,
            ):
                c.execute(sql)
        reader.annotations.add_comment(NewComment(thread_id="t", text="new"), "default")
        with pytest.raises(duckdb.ConversionException), reader.database.transaction() as cursor:
            cursor.execute("delete from comments where text::int = 1")
        monkeypatch.setattr(edits, "EDITS_MAX", 2)
        reader.annotations.put_scores([a_score(value=0.25)])
        with pytest.raises(Overloaded, match="2 changes of readers"):
            reader.annotations.put_scores([a_score(value=0.5)])
        assert values(reader.annotations) == [0.25] == values(fresh(reader).annotations)


def test_a_lake_that_is_away_takes_nothing(node, where, postgres):
    node.store.write([a_chat("t", "hi", "ho")])
    node.ship()
    with a_reader(where) as reader:
        postgres.stop()
        try:
            with pytest.raises((Unavailable, StoreFailed)) as refused:
                reader.annotations.put_scores([a_score(value=0.5)])
            assert PASSWORD not in str(refused.value)
        finally:
            postgres.start()
        assert values(fresh(reader).annotations) == []
        reader.annotations.put_scores([a_score(value=0.75)])
        assert values(reader.annotations) == [0.75]
    node.ship()
    assert values(node.annotations) == [0.75]


def test_a_thread_that_is_deleted_goes_from_all_nodes_and_their_files(nodes, where):
    first, second = nodes
    first.store.write([a_chat("a", "hi", "ho"), a_chat("both", "a secret", "2")])
    second.store.write([a_chat("b", "hi", "ho"), a_chat("both", "3", "4", trace_id=new_trace_id())])
    for node in nodes:
        node.ship()
    owner.once(where, derive, node_name="test")
    with a_reader(where) as reader:
        reader.annotations.put_scores([a_score("both"), a_score("a", 0.5)])
        deletion = LakeDeletion(reader.database)
        gone, changed = deletion.threads("default", ["both", "nobody"])
        assert (gone, changed) == (["both"], [("default", "both")])
        for one in (reader, fresh(reader)):
            assert ids(one.database) == ["a", "b"]
            assert values(one.annotations) == [0.5]
        for node in (*nodes, *nodes):
            node.ship()
        assert (ids(first.store.database), ids(second.store.database)) == (["a"], ["b"])
        # By hand on one node it goes from the other, too; what comes later is a new thread.
        second.store.write([a_chat("a", "5", "6", trace_id=new_trace_id())])
        second.ship()
        owner.once(where, derive, node_name="test")
        second.store.deletion.threads("default", ["a"])
        for node in (second, first, second):
            node.ship()
        assert (ids(first.store.database), ids(second.store.database)) == ([], ["b"])
        assert ids(fresh(reader).database) == ["b"]
        first.store.write([a_chat("a", "anew", "6", trace_id=new_trace_id())])
        for node in nodes:
            node.ship()
        given = {"kept_s": 0, "orphans_s": 0, "rewrite_share": 0.0}
        owner.once(where, derive, node_name="test", **given)
        assert ids(fresh(reader).database) == ["a", "b"]
        assert values(reader.annotations) == []
        assert report.look(where, verify=True).differences == []
        owner.once(where, None, node_name="test", **given)
    assert b"a secret" not in b"".join(contents(where))
    with pytest.raises(NotConfigured):
        deletion.traces(["0" * 32], project=None)


def ids(database) -> list[str]:
    with database.cursor() as cursor:
        found = cursor.execute("select thread_id from threads order by 1").fetchall()
    return [thread_id for (thread_id,) in found]


def contents(where):
    """Yield the rows of all files of the lake, which are compressed."""
    with duckdb.connect() as connection:
        for file in sorted(Path(where.data).rglob("*.parquet")):
            yield repr(connection.execute(f"from read_parquet('{file}')").fetchall()).encode()


def test_old_changes_are_forgotten(node, where):
    node.store.write([a_chat("t", "hi", "ho")])
    node.ship()
    with a_reader(where) as reader:
        reader.annotations.put_scores([a_score(value=0.25)])
        node.ship()
        assert len(node.rows("x_lake_edits")) == 1
        with owner.opened(where) as connection:
            maintenance.drop_old_edits(connection, now(), kept_s=3600)
            assert count(connection, layout.EDITS) == 1
            maintenance.drop_old_edits(connection, now(), kept_s=0)
            assert count(connection, layout.EDITS) == 0
            maintenance.drop_old_edits(connection, now(), kept_s=0)
        node.ship()
        assert node.rows("x_lake_edits") == []
        assert values(fresh(reader).annotations) == [0.25] == values(node.annotations)
        for thread_id in ("u", "v"):
            reader.annotations.put_scores([a_score(thread_id)])
        with owner.opened(where) as connection:
            maintenance.drop_old_edits(connection, now(), kept_s=3600, spared_s=0, most=1)
            assert count(connection, layout.EDITS) == 1


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def count(connection, table: str) -> int:
    return connection.execute(f"select count(*) from lake.stored.{table}").fetchone()[0]


def test_edited_tables_have_keys_of_their_columns():
    for table in layout.EDITED_TABLES:
        assert table.keys, table.name
        assert {*table.keys} <= native().tables[table.name].keys(), table.name
        assert not OF_EDITS & native().tables[table.name].keys(), table.name
        assert table.latest == "lake_batch" or table.latest in native().tables[table.name]
