"""Writes the pages of docs/ that say what the code says; a test compares the two.

python -m otel_threads.document docs
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from otel_threads.core.fields import FilterType
from otel_threads.core.filters import described
from otel_threads.core.span_line import SpanLine
from otel_threads.core.thread import Thread
from otel_threads.core.trace import Trace
from otel_threads.derive.conventions import CONVENTIONS
from otel_threads.derive.family import Family
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text
from otel_threads.services.libraries import LIBRARIES
from otel_threads.store.read.list_query import THREADS, TRACES
from otel_threads.store.read.span_lines import LINES

HEAD = """\
# Conventions

What is read from spans, by family. This page is made from the code: `otel_threads/derive/families/`
has a file a family, `otel_threads/derive/ranks.py` the order between them.

## Which thread

The setting `thread_id_attributes` comes first. Then the first of these that any span of the trace
carries with a usable value:

{precedence}

and last the resource attribute `gen_ai.conversation.id`. A value is usable when it is a string and no
placeholder ({placeholders}, `null`, `undefined` and the like). A resource's `session.id` is never
read, which is of a whole process. Neither are these:

{none}

With one distinct value at that rank, the whole trace belongs to it. With several, a span takes the id
of its nearest ancestor-or-self that has one, else of its first descendant.

A trace without any id whose first model request brings a tool's result belongs to the thread in which
that tool call was asked for, up to a day before: it continues that turn. Not when several threads asked
for a call of that id, nor when another question was asked there. `thread_id_source` is then
`gen_ai.tool.call.id`.

## A person's words on outer spans

Where an agent, chain or root span holds plain human text, that is the user's message or the
assistant's answer; a template around it in the model request is not shown. Looked at, in this order:

- user: {inputs}
- assistant: {outputs}

## Families

The first family that knows a thing wins. A family may read more than single attributes hold
(messages, bundles of tokens); its module says what. CONTRIBUTING.md says how to add one.
"""


READERS = (
    ("kind", "kind of span"),
    ("inputs", "request messages"),
    ("outputs", "answers"),
    ("system", "system prompt"),
    ("usage", "bundled tokens"),
    ("values", "computed facts"),
    ("unwrap", "the person's words in a prompt around them"),
)
LISTS = (
    ("log_events", "Log records"),
    ("alone_events", "Spans of their own where they have no trace"),
    ("final_tools", "Tools whose arguments are the answer"),
    ("first_token_events", "Events of the first token"),
    ("metadata_prefixes", "Metadata"),
    ("metadata_noise", "Left out of metadata"),
    ("tag_noise", "Left out of tags"),
)


def conventions() -> str:
    """Return the page as Markdown."""
    families = CONVENTIONS.families
    lines = [
        HEAD.format(
            precedence="\n".join(
                f"{i}. `{name}`" for i, name in enumerate(CONVENTIONS.thread_ids, 1)
            ),
            placeholders=", ".join(
                [f"`{text}…`" for family in families for text in family.scrubbed]
                + [f"`{text}`" for family in families for text in family.elided]
            ),
            none="\n".join(
                f"- `{name}`: {why}"
                for family in families
                for name, why in family.not_thread_ids.items()
            ),
            inputs=_listed(CONVENTIONS.texts["user"]),
            outputs=_listed(CONVENTIONS.texts["assistant"]),
        )
    ]
    for family in families:
        lines += _family(family)
    return "\n".join(lines)


def _listed(texts: Iterable[Text]) -> str:
    return ", ".join(f"`{text.attribute}`" for text in texts)


def _family(family: Family) -> list[str]:
    lines = [f"### {family.name}\n\nSource: {family.source}\n"]
    reads = [what for name, what in READERS if getattr(family, name)]
    if reads:
        lines.append(f"Reads: {', '.join(reads)}.\n")
    for name, what in LISTS:
        if some := getattr(family, name):
            shown = ", ".join(
                f"`{one}…`" if name.endswith(("prefixes", "noise")) else f"`{one}`" for one in some
            )
            lines.append(f"{what}: {shown}.\n")
    if family.names:
        lines.append("| fact | attributes |\n| --- | --- |")
        lines += [
            f"| {fact} | {', '.join(f'`{name}`' for name in names)} |"
            for fact, names in family.names.items()
        ]
        lines.append("")
    return lines


THREAD_IDS = """\
# Giving your conversations an id

A trace joins a thread when any span of it carries a conversation id. What each library needs, as seen
in recordings of the real packages. The attribute that decided stands in `thread_id_source`, and
`otel-threads doctor` says which traces carry none and what to write.

| library | attribute that arrives |
| --- | --- |
{rows}

Your application has an attribute of its own already? Name it, and it comes first:

```sh
OTEL_THREADS_THREAD_ID_ATTRIBUTES=app.chat_id otel-threads serve
```
"""

LIBRARY = """\
# {title}: thread id and texts

Packages: {packages}.

## Thread id

```{language}
{thread_id}
```

It arrives as `{arrives_as}`. One span of a trace with it is enough.

## Message texts

{content}
{note}
## Is it there?

```sh
otel-threads doctor
otel-threads threads list
```
"""


def thread_ids() -> str:
    """Return the page that leads to each library's own."""
    rows = [
        f"| [{library.title}](thread-ids/{library.slug}.md) | `{library.arrives_as}` |"
        for library in LIBRARIES
    ]
    return THREAD_IDS.format(rows="\n".join(rows))


def library_page(library: Library) -> str:
    """Return one library's page: where the id goes, how texts get in, what surprises people."""
    content = "Sent unless they were turned off."
    if library.content != "on":
        shell = library.content.lstrip().startswith("export ")
        language = "sh" if shell else library.language
        content = f"```{language}\n{library.content.strip()}\n```"
    return LIBRARY.format(
        title=library.title,
        packages=", ".join(f"`{name}`" for name in library.packages),
        language=library.language,
        thread_id=library.thread_id.strip(),
        arrives_as=library.arrives_as,
        content=content,
        note=f"\n## Good to know\n\n{library.note}\n" if library.note else "",
    )


BEGIN, END = "<!-- fields: made from the code -->\n", "<!-- end of fields -->\n"
KINDS: Mapping[FilterType, str] = {
    "text": "text",
    "number": "number",
    "duration": "duration",
    "time": "time",
    "boolean": "true or false",
    "list": "list",
    "map": "text",
    "score": "number",
    "message": "text",
    "builtin": "number",
}


def fields_table() -> str:
    """Return the fields that filters know as a table, by name: of threads, of traces, of spans."""
    threads = {one.name: one for one in described(Thread, sorts=THREADS.sorts)}
    traces = {one.name: one for one in described(Trace, sorts=TRACES.sorts)}
    spans = {one.name: one for one in described(SpanLine, sorts=LINES.sorts)}
    kinds = (("threads", threads), ("traces", traces), ("spans", spans))
    rows = ["| field | kind | of | sorts | what it is |", "| --- | --- | --- | --- | --- |"]
    for name, field in sorted({**spans, **traces, **threads}.items()):
        of = " ".join(kind for kind, known in kinds if name in known)
        shown = f"{name}KEY" if name.endswith(".") else name
        unit = f", {field.unit}" if field.unit and field.unit not in name else ""
        sorts = "yes" if field.sortable else ""
        rows.append(
            f"| `{shown}` | {KINDS[field.type]}{unit} | {of} | {sorts} | {field.description} |"
        )
    return "\n".join(rows) + "\n"


def filled(page: str) -> str:
    """Return docs/filters.md with its table of fields as the code has it.

    Raises:
        ValueError: the page has no place for the table.
    """
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the page lacks {BEGIN!r} or {END!r}")
    return f"{before}{BEGIN}\n{fields_table()}\n{END}{after}"


SCRIPT = """\
// Where instrumentations write what went into a span and what came out of it, the plainest first. Made of
// derive/families/: `python -m otel_threads.document docs`. Names that end with a dot begin attributes with parts.

export const INPUTS = {inputs};

export const OUTPUTS = {outputs};
"""


def page_names() -> str:
    """Return the page's module with the attributes of inputs and outputs."""

    def listed(texts: Iterable[Text]) -> str:
        return "[\n" + "".join(f'  "{one.attribute}",\n' for one in texts) + "]"

    return SCRIPT.format(
        inputs=listed(CONVENTIONS.shown_inputs), outputs=listed(CONVENTIONS.shown_outputs)
    )


NAMES_FILE = Path(__file__).parent / "ui" / "static" / "conversation" / "shown_names.js"


def pages() -> dict[str, str]:
    """Return every generated page by its path below docs/."""
    return {
        "conventions.md": conventions(),
        "thread-ids.md": thread_ids(),
        **{f"thread-ids/{library.slug}.md": library_page(library) for library in LIBRARIES},
    }


if __name__ == "__main__":
    for name, text in pages().items():
        path = Path(sys.argv[1]) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    NAMES_FILE.write_text(page_names(), encoding="utf-8")
    filters_page = Path(sys.argv[1]) / "filters.md"
    filters_page.write_text(filled(filters_page.read_text(encoding="utf-8")), encoding="utf-8")
