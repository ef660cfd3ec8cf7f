"""`otel-threads lake`: what the lake has, shipping by hand, maintenance."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import click

from otel_threads import local, show, terminal
from otel_threads.commands.base import failing, json_option, load, setting_options
from otel_threads.commands.output import print_answer
from otel_threads.core.config import Config
from otel_threads.core.errors import DatabaseRefused, StoreFailed
from otel_threads.database.database import Database
from otel_threads.engine import derive_again
from otel_threads.store import outbox

POLL_S = 0.2
SHIP_S_MAX = 3600.0  # that `ship` waits for a running server


@click.group()
def lake() -> None:
    """Look after the lake that nodes ship to (settings lake_catalog and lake_data)."""


@lake.command()
@setting_options("database", "http_endpoint")
@click.option("--verify", is_flag=True, help="Read all rows and compare each batch.")
@json_option
def status(config_file: str | None, verify: bool, as_json: bool, **given: str | None) -> None:
    """Show how far each node has shipped; with --verify also whether all of it is there."""
    from otel_threads.lake import connection, report

    config = load(config_file, **given).config
    with failing():
        where = connection.place(config.lake_catalog, config.lake_data)
        found = report.look(where, verify=verify)
    answer = dataclasses.asdict(found)
    print_answer(answer, as_json, lambda: show.lake(answer))
    if found.differences:
        raise SystemExit(1)


@lake.command()
@setting_options("database", "http_endpoint")
def ship(config_file: str | None, **given: str | None) -> None:
    """Wait until all that this node has is in the lake; without its server, ship it."""
    config = load(config_file, **given).config
    with failing():
        if local.find_server(config):
            _wait(config)
        else:
            _ship(config, anew=False)
    terminal.say("shipped")


@lake.command()
@setting_options("database", "http_endpoint")
@json_option
def compact(config_file: str | None, as_json: bool, **given: str | None) -> None:
    """Join conversations, delete old and dead rows, merge small files: waits for its turn.

    A node that runs does it, each minute. What was deleted is gone from the files an hour later.
    """
    from otel_threads.lake import connection, owner
    from otel_threads.lake.node import kept_in_lake

    config = load(config_file, **given).config
    with failing():
        where = connection.place(config.lake_catalog, config.lake_data)
        done = owner.once(
            where,
            derive_again(config),
            node_name="lake compact",
            kept=kept_in_lake(config),
            rewrite_share=0.0,
            wait=True,
        )
    answer = dataclasses.asdict(done)
    del answer["is_ours"]
    print_answer(answer, as_json, lambda: show.facts("compacted", answer))


@lake.command()
@setting_options("database", "http_endpoint")
def rebuild(config_file: str | None, **given: str | None) -> None:
    """Take all rows of this node out of the lake and ship them anew; its server must be stopped."""
    config = load(config_file, **given).config
    with failing():
        if local.find_server(config):
            raise DatabaseRefused("stop the server of this file first: its rows are shipped anew")
        _ship(config, anew=True)
    terminal.say("shipped anew")


def _wait(config: Config) -> None:
    until = time.monotonic() + SHIP_S_MAX
    with local.client(config) as client:
        first: int | None = None
        while time.monotonic() < until:
            found: dict[str, Any] = client.status()
            progress = found.get("lake")
            if progress is None:
                raise StoreFailed("the running server has no lake: set lake_catalog and lake_data")
            if progress["error"]:
                raise StoreFailed(progress["error"])
            first = found["committed_sequence"] if first is None else first
            if progress["shipped_sequence"] >= first and not progress["waiting_changes"]:
                return
            time.sleep(POLL_S)
    raise StoreFailed(
        f"not shipped within {SHIP_S_MAX:.0f} s; `otel-threads lake status` tells more"
    )


def _ship(config: Config, *, anew: bool) -> None:
    from otel_threads.lake.connection import place
    from otel_threads.lake.shipper import Shipper

    where = place(config.lake_catalog, config.lake_data)
    if not Path(config.database).exists():
        raise DatabaseRefused(f"there is no file {config.database}")
    database = Database(config.database, memory_limit_bytes=config.memory_limit_bytes)
    try:
        noted = outbox.begin(database)
        if anew:
            outbox.begin_anew(database, noted)
        shipper = Shipper(database, where)
        try:
            shipper.ship()
        finally:
            shipper.close()
    finally:
        database.close()
