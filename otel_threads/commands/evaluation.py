"""Commands about evaluations: evaluate, compare, datasets."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import click

from otel_threads import show_evaluation as show
from otel_threads import terminal
from otel_threads.commands.base import (
    default_project_option,
    json_option,
    load,
    number,
    project_option,
    setting_options,
)
from otel_threads.commands.output import print_answer, source
from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.limits import DATASET_ITEMS_MAX
from otel_threads.evaluate.builtin import BUILTINS
from otel_threads.evaluate.scoring import scorer_of
from otel_threads.sdk.client import Client
from otel_threads.sdk.dataset_parts import PART_ITEMS_MAX, parts
from otel_threads.sdk.evaluation import WORKERS, WORKERS_MAX
from otel_threads.sdk.evaluation import evaluate as run_scorers
from otel_threads.vendors.dataset_files import FORMATS, items_of

where = setting_options("database", "http_endpoint")
FILE_BYTES_MAX = 256 << 20
Row = dict[str, Any]


@click.command()
@where
@click.option("--name", required=True, help="Of the run; several runs may have it.")
@click.option(
    "--scorer",
    "scorers",
    multiple=True,
    required=True,
    help=f"May be given several times: {', '.join(BUILTINS)}; module:function; file.py:function.",
)
@click.option(
    "--filter", help="Threads of the project, as in: error_count > 0; all of it if left out."
)
@click.option("--dataset", help="A data set instead of threads.")
@click.option("--dataset-version", type=click.IntRange(1), help="The newest if left out.")
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@click.option("--workers", type=click.IntRange(1, WORKERS_MAX), default=WORKERS, show_default=True)
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="To note with the run.")
@click.option("--resume", metavar="ID", help="Go on with a run that broke off.")
@click.option("--write-scores", is_flag=True, help="Give the threads the scores, too.")
@default_project_option
@json_option
def evaluate(
    config_file: str | None,
    name: str,
    scorers: tuple[str, ...],
    metadata: tuple[str, ...],
    as_json: bool,
    database: str | None,
    http_endpoint: str | None,
    **given: Any,
) -> None:
    """Run scorers over threads or a data set, and keep the results.

    It ends with 1 where no item has a result that did not fail.
    """
    config = load(config_file, database=database, http_endpoint=http_endpoint).config
    chosen = [_scorer(one) for one in scorers]
    noted = dict(_pair(one) for one in metadata)
    with source(config, writes=True) as client:
        try:
            found = run_scorers(
                None, chosen, name=name, metadata=noted, client=client, on_begin=_begun, **given
            )
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        failed = list(client.list_results(found.evaluation_id, failed=True))
    print_answer(found.run, as_json, lambda: show.evaluation(found.run))
    if failed:
        first = failed[0]
        terminal.say(
            f"otel-threads: {terminal.counted(len(failed), 'result')} failed; the first:"
            f" {first['scorer']} on {first['item_id']}: {first['error']}",
            to_stderr=True,
        )
        if not found.run["counts"]["scored"]:
            sys.exit(1)


def _begun(run: Row) -> None:
    terminal.say(
        f"evaluation {run['evaluation_id']}  (--resume it if it breaks off)", to_stderr=True
    )


@click.command()
@where
@click.argument("base")
@click.argument("candidate")
@click.option("--score", help="Items of this score alone.")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option(
    "--fail-below",
    multiple=True,
    metavar="SCORE=NUMBER",
    help="Exit with 1 where the difference is below, as in quality=-0.05.",
)
@click.option(
    "--fail-above",
    multiple=True,
    metavar="SCORE=NUMBER",
    help="Exit with 1 where it is above: for scores that should be low.",
)
@project_option
@json_option
def compare(
    config_file: str | None,
    base: str,
    candidate: str,
    score: str | None,
    limit: int,
    fail_below: tuple[str, ...],
    fail_above: tuple[str, ...],
    project: str | None,
    as_json: bool,
    **setting: str | None,
) -> None:
    """Compare two runs, by id or name (its latest run), over the items that both have."""
    bounds = [(*_bound(one), -1) for one in fail_below] + [(*_bound(one), 1) for one in fail_above]
    with source(load(config_file, **setting).config) as client:
        ids = [_run_id(client, one, project) for one in (base, candidate)]
        found = client.compare_evaluations(*ids, name=score, limit=limit)
    print_answer(found, as_json, lambda: show.comparison(found))
    faults = [fault for bound in bounds if (fault := _fault(found, *bound))]
    if faults:
        terminal.say(f"otel-threads: {'; '.join(faults)}", to_stderr=True)
        sys.exit(1)


def _fault(found: Row, name: str, bound: float, side: int) -> str | None:
    """Return what of a score is out of its bound, None when it is within."""
    score = found["scores"].get(name)
    if score is None:
        return f"the runs have no score {name!r} in common"
    difference = score["difference"]
    if side * (difference - bound) <= 0:
        return None
    low, high = score["confidence_interval"]
    pairs = terminal.counted(score["pair_count"], "pair")
    return (
        f"{name} {'rose' if side > 0 else 'fell'} by {abs(difference):.4g} on average"
        f" ({score['base_mean']:.4g} to {score['candidate_mean']:.4g}; 95 % of {low:.3g} to"
        f" {high:.3g}, p {score['p_value']:.2g}, {pairs});"
        f" {bound:g} is allowed"
    )


def _run_id(client: Client, given: str, project: str | None) -> str:
    try:
        return str(client.get_evaluation(given)["evaluation_id"])
    except NotFound:
        named = next(
            iter(client.list_evaluations(name=given, project=project or "*", limit=1)), None
        )
    if named is None:
        raise NotFound(f"no evaluation has the id or the name {given!r}")
    return str(named["evaluation_id"])


def _bound(given: str) -> tuple[str, float]:
    name, value = _pair(given)
    try:
        return name, number(value)
    except ValueError as error:
        raise click.UsageError(f"{given!r}: {error}") from None


def _pair(given: str) -> tuple[str, str]:
    name, is_pair, value = given.rpartition("=") if given.count("=") == 1 else given.partition("=")
    if not is_pair or not name:
        raise click.UsageError(f"{given!r} is not written as NAME=VALUE")
    return name, value


def _scorer(given: str) -> Any:
    """Return a scorer by its name, or what stands in a module or a file under a name."""
    place, is_pair, name = given.rpartition(":")
    if not is_pair:
        try:
            return scorer_of(given)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    try:
        module = _module(place)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever the module raises
        kind = "" if isinstance(error, ImportError | OSError) else f"{type(error).__name__}: "
        raise click.UsageError(f"--scorer {given}: {kind}{error}") from None
    found = getattr(module, name, None)
    if found is None:
        raise click.UsageError(f"--scorer {given}: {place} has no {name!r}")
    try:
        return scorer_of(found)
    except TypeError as error:
        raise click.UsageError(f"--scorer {given}: {error}") from None


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(place)
    spec = importlib.util.spec_from_file_location(Path(place).stem, place)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@click.group()
def datasets() -> None:
    """Data sets of conversations, in versions that never change."""


@datasets.command("list")
@where
@json_option
def datasets_list(config_file: str | None, as_json: bool, **given: str | None) -> None:
    """List data sets, the newest version of each."""
    with source(load(config_file, **given).config) as client:
        found = list(client.list_datasets())
    print_answer(found, as_json, lambda: show.datasets(found))


@datasets.command("show")
@where
@click.argument("name")
@click.option("--version", type=click.IntRange(1), help="The newest if left out.")
@json_option
def datasets_show(
    config_file: str | None, name: str, version: int | None, as_json: bool, **given: str | None
) -> None:
    """Show a version of a data set with its items."""
    with source(load(config_file, **given).config) as client:
        found = client.get_dataset(name, version=version)
        items = list(client.list_dataset_items(name, version=found["version"]))
        versions = list(client.list_datasets(name=name))
    print_answer({**found, "items": items}, as_json, lambda: show.dataset(versions, items))


@datasets.command("create")
@where
@click.argument("name")
@click.option(
    "--filter", help="As in: scores.quality < 0.5; all threads of the project if left out."
)
@click.option("--limit", type=click.IntRange(1, PART_ITEMS_MAX), default=1000, show_default=True)
@default_project_option
@json_option
def datasets_create(
    config_file: str | None,
    name: str,
    filter: str | None,
    limit: int,
    project: str | None,
    as_json: bool,
    **given: str | None,
) -> None:
    """Make a new version of copies of threads, the latest first."""
    with source(load(config_file, **given).config, writes=True) as client:
        found = client.create_dataset(name, filter=filter, limit=limit, project=project)
    _made(found, as_json)


@datasets.command("import")
@where
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--format", type=click.Choice(list(FORMATS)), default="jsonl", show_default=True)
@json_option
def datasets_import(
    config_file: str | None,
    name: str,
    file: str,
    format: str,
    as_json: bool,
    **given: str | None,
) -> None:
    """Make a new version of the conversations of a file: JSON lines or a JSON list."""
    with source(load(config_file, **given).config, writes=True) as client:
        found = _import(client, name, Path(file), format)
    _made(found, as_json)


def _import(client: Client, name: str, file: Path, format: str) -> Row:
    """Send a file in as many calls as it needs; nothing of a file that is wrong is sent."""
    if file.stat().st_size > FILE_BYTES_MAX:
        raise InvalidQuery(f"{file} is larger than {FILE_BYTES_MAX} bytes")
    count = sum(1 for _ in items_of(file, format))
    if count > DATASET_ITEMS_MAX:
        raise InvalidQuery(f"{file} has {count} items; a version keeps {DATASET_ITEMS_MAX}")
    part_of: Row = {"imported_from": file.name[:200]}
    found: Row = {"item_count": 0}
    for items in parts(items_of(file, format)):
        is_complete = found["item_count"] + len(items) == count
        found = client.create_dataset(name, items=items, is_complete=is_complete, **part_of)
        part_of = {"version": found["version"]}
    return found


@datasets.command("delete")
@where
@click.argument("name")
@click.option("--version", type=click.IntRange(1), help="One that an import left incomplete.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def datasets_delete(
    config_file: str | None, name: str, version: int | None, yes: bool, **given: str | None
) -> None:
    """Delete all versions of a data set, or an incomplete one; runs over it stay."""
    which = name if version is None else f"{name} version {version}"
    if not yes:
        click.confirm(f"Delete data set {which} for ever?", abort=True)
    with source(load(config_file, **given).config, writes=True) as client:
        client.delete_dataset(name, version=version)
    terminal.say("deleted 1")


def _made(found: Row, as_json: bool) -> None:
    if as_json:
        terminal.print_json(found, indent=2)
    else:
        items = terminal.counted(found["item_count"], "item")
        terminal.say(f"{found['name']} version {found['version']}: {items}")
