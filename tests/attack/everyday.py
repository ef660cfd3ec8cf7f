"""The attacks that run with the other tests, within four minutes: one of each kind of harm.

The others take half an hour more: `ATTACKS=all pytest tests/attack`, or `tests/attack/run.py`.
"""

EVERYDAY = frozenset(
    [
        "decode/two-million-empty-spans",
        "decode/four-million-empty-links",
        "decode/eight-million-empty-values",
        "decode/two-million-log-records",
        "decode/json-empty-objects",
        "decode/gzip-bomb",
        "decode/a-hundred-thousand-gzip-members",
        "decode/bodies-that-stop-before-their-end",
        "derive/an-attribute-of-twenty-million-empty-objects",
        "derive/a-million-tool-calls-in-one-message",
        "derive/times-at-the-ends-of-time",
        "grpc/pings",
        "grpc/settings-without-end",
        "grpc/rapid-reset",
        "grpc/made-you-reset",
        "grpc/refused-streams",
        "grpc/small-exports-without-end",
        "grpc/paths-that-are-no-text",
        "grpc/continuations-without-end",
        "grpc/half-messages-of-sixty-mebibytes",
        "grpc/four-prefixes-of-sixty-four-mebibytes",
        "grpc/gzip-members",
        "grpc/closed-windows",
        "grpc/idle-connections",
        "http/pipelined-gets-on-rest",
        "http/pipelined-empty-exports",
        "http/headers-that-trickle",
        "http/exports-that-trickle",
        "http/idle-connections-beyond-the-limit",
        "http/a-header-of-a-megabyte",
        "http/headers-without-end",
        "http/chunks-of-one-byte-without-end",
        "http/foreign-hosts-and-origins",
        "http/exports-unread",
        "query-grpc/exports-that-nobody-reads",
        "query-grpc/millions-of-tags",
        "rest/json-of-five-million-lists",
        "rest/filters-of-ten-thousand-parentheses",
        "rest/a-thousand-searches-at-once",
        "rest/a-hundred-bodies-of-fifteen-mebibytes-at-once",
    ]
)
