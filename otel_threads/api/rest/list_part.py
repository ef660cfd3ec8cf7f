"""Which part of a list a REST call answers; `Part`: of a list that is made whole, such as views."""

from typing import Annotated

from fastapi import Depends, Query, Request

from otel_threads.core.limits import PAGE_ITEMS_MAX
from otel_threads.core.page import Item, Page
from otel_threads.services.pagination import digest_of, part_of

LimitQuery = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX, description="Items of a page.")]
CursorQuery = Annotated[str | None, Query(description="next_cursor of the page before.")]
TotalQuery = Annotated[bool, Query(description="Count the whole selection too.")]
ASIDE = ("limit", "cursor", "with_total")


class _Part:
    """The parameters of such a list; what else was asked is what its cursor belongs to."""

    def __init__(
        self,
        request: Request,
        limit: Annotated[
            int | None,
            Query(ge=1, le=PAGE_ITEMS_MAX, description="Items of a page; left out, all of them."),
        ] = None,
        cursor: CursorQuery = None,
        with_total: TotalQuery = False,
    ) -> None:
        query = {name: one for name, one in request.query_params.items() if name not in ASIDE}
        self._digest = digest_of({**query, " of": request.url.path})
        self._limit = limit
        self._cursor = cursor
        self._with_total = with_total

    def of(self, whole: Page[Item]) -> Page[Item]:
        """Return the part of a list that was asked for.

        Raises:
            InvalidQuery: the cursor is none, or of another query.
        """
        return part_of(
            whole.items,
            self._digest,
            limit=self._limit,
            cursor=self._cursor,
            with_total=self._with_total,
        )


Part = Annotated[_Part, Depends(_Part)]
