"""A list of texts or numbers as one parameter of a query: `unnest(from_json($ids, '["varchar"]'))`.

DuckDB's Python client tries to import pandas twice for each element of a list that is bound: a
thousand ids took 470 ms where it is not installed, 80 in a server, which knows that it is not
(`process.py`), and 12 as JSON.
"""

from collections.abc import Iterable

import orjson


def json_list(values: Iterable[str | int]) -> str:
    """Return the value to bind."""
    return orjson.dumps([*values]).decode()
