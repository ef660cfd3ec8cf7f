"""Writes docs/conventions.md out of the families' own tables; a test compares the two.

python -m otel_threads.derive.document > docs/conventions.md
"""

import sys

from otel_threads.derive import human
from otel_threads.derive.families import FAMILIES
from otel_threads.derive.identity import PRECEDENCE

HEAD = """\
# Conventions

What is read from spans, by family. This page is made from the code: `otel_threads/derive/families/`,
`identity.py` and `human.py`.

## Which thread

The setting `thread_id_attributes` comes first. Then the first of these that any span of the trace
carries with a usable value:

{precedence}

and last the resource attribute `gen_ai.conversation.id`. A value is usable when it is a string and no
placeholder (`[Scrubbed due to …]`, `<elided>`, `null`, `undefined` and the like). `thread.id` is never
read: OpenTelemetry means an operating-system thread by it. Neither is a resource's `session.id`, which
is of a whole process, nor `langsmith.trace.session_*`, which is LangSmith's word for a project.

With one distinct value at that rank, the whole trace belongs to it. With several, a span takes the id
of its nearest ancestor-or-self that has one, else of its first descendant.

## A person's words on outer spans

Where an agent, chain or root span holds plain human text, that is the user's message or the
assistant's answer; a template around it in the model request is not shown. Looked at, in this order:

- user: {inputs}
- assistant: {outputs}

## Families

The first family that knows a thing wins. A family may read more than single attributes hold
(messages, bundles of tokens); its module says what.
"""


def conventions() -> str:
    """Return the page as Markdown."""
    lines = [
        HEAD.format(
            precedence="\n".join(f"{i}. `{name}`" for i, name in enumerate(PRECEDENCE, 1)),
            inputs=", ".join(f"`{name}`" for name in human.INPUTS),
            outputs=", ".join(f"`{name}`" for name in human.OUTPUTS),
        )
    ]
    for family in FAMILIES:
        lines.append(f"### {family.name}\n\nSource: {family.source}\n")
        reads = [
            what
            for what, reader in (
                ("kind of span", family.kind),
                ("request messages", family.inputs),
                ("answers", family.outputs),
                ("system prompt", family.system),
                ("bundled tokens", family.usage),
                ("computed facts", family.values),
            )
            if reader
        ]
        if reads:
            lines.append(f"Reads: {', '.join(reads)}.\n")
        if family.names:
            lines.append("| fact | attributes |\n| --- | --- |")
            lines += [
                f"| {fact} | {', '.join(f'`{name}`' for name in names)} |"
                for fact, names in family.names.items()
            ]
            lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(conventions())
