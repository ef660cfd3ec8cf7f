"""Langtrace: OpenTelemetry's attributes, and ids that a program injects.

Source: github.com/Scale3-Labs/langtrace-python-sdk.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.library import Library

LIBRARY = Library(
    slug="langtrace",
    title="Langtrace SDK",
    scopes=("langtrace*",),
    packages=("langtrace-python-sdk",),
    language="python",
    thread_id="""\
inject_additional_attributes(lambda: client.chat.completions.create(**request), {"session.id": chat_id})
""",
    arrives_as="session.id",
    content="on",
)

FAMILY = Family(
    name="langtrace",
    source="Scale3-Labs/langtrace-python-sdk",
    libraries=(LIBRARY,),
)
