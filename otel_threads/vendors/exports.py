"""Whose exports can be brought in, by name."""

from collections.abc import Mapping

from otel_threads.vendors.exported import ReadExport
from otel_threads.vendors.langsmith import exports as langsmith
from otel_threads.vendors.opik import exports as opik

READERS: Mapping[str, ReadExport] = {"langsmith": langsmith.calls, "opik": opik.calls}
