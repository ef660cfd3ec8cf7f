"""What callers ask for, without NUL: ids are kept without it, and a lake's catalog takes none."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_threads.characters import without_nul

# A pair of escaped backslashes, which stays, or an escaped NUL.
_ESCAPED_NUL = re.compile(rb"\\\\|\\u0000")
_IN_QUERY, _IN_JSON = b"%EF%BF%BD", b"\\ufffd"  # of the same length as the escape in JSON


class WholeTexts:
    """Middleware: the application behind it finds U+FFFD in place of NUL, as what is kept has it.

    In the path, in the query and in JSON; bodies have come whole.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        query = scope["query_string"].replace(b"%00", _IN_QUERY)
        asked = {**scope, "path": without_nul(scope["path"]), "query_string": query}

        async def received() -> Message:
            message = await receive()
            body = message.get("body", b"")
            return {**message, "body": _whole(body)} if b"\\u0000" in body else message

        await self._app(asked, received, send)


def _whole(body: bytes) -> bytes:
    return _ESCAPED_NUL.sub(lambda found: found[0] if found[0] == b"\\\\" else _IN_JSON, body)
