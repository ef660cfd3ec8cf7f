"""A PIVOT without its values gets them from a query of its own.

DuckDB would make a type of the values first, which is a write. Both queries that come of it are
checked as any other: what is misread here is refused there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from otel_threads.core.errors import InvalidQuery

VALUES_MAX = 200  # columns that a pivot makes of itself
NUL, NUL_SHOWN = "\0", "\u2400"
_PIVOT = re.compile(
    r"\s*(?:from\s+)?pivot(?:_wider)?\s+(?P<source>.+?)\s+on\s+(?P<on>.+?)\s+"
    r"(?P<rest>using\s+.+?);?\s*",
    re.IGNORECASE | re.DOTALL,
)
_VALUES = re.compile(r"\bin\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pivot:
    """A PIVOT that names no values: `pivot source on on rest`."""

    source: str
    on: str
    rest: str

    @property
    def values_sql(self) -> str:
        """The query of its values as texts, in their order: one more than there may be."""
        values = f"select distinct {self.on} as v from {self.source}"  # noqa: S608  # checked as a whole
        return (
            f"select v::varchar from ({values}) where v is not null order by v"  # noqa: S608  # see above
            f" limit {VALUES_MAX + 1}"
        )

    def sql(self, values: Sequence[str]) -> str:
        """Return the query with its values.

        Raises:
            InvalidQuery: there are none, or too many.
        """
        if not values:
            raise InvalidQuery(f"there is nothing to pivot on: no row has {self.on[:100]}")
        if len(values) > VALUES_MAX:
            raise InvalidQuery(
                f"more than {VALUES_MAX} values to pivot on: name those that you want, "
                f"as in on {self.on[:100]} in ('a', 'b')"
            )
        on = self.on
        if any(NUL in value for value in values):  # which no literal can hold
            on = f"replace(({on})::varchar, chr(0), '{NUL_SHOWN}')"
            values = list(dict.fromkeys(value.replace(NUL, NUL_SHOWN) for value in values))
        named = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
        return f"pivot {self.source} on {on} in ({named}) {self.rest}"


def pivot_of(sql: str) -> Pivot | None:
    """Return the PIVOT that a text is; None where it is none, or names its values or several."""
    found = _PIVOT.fullmatch(sql)
    if found is None or _VALUES.search(found["on"]) or "," in found["on"]:
        return None
    return Pivot(found["source"], found["on"], found["rest"])
