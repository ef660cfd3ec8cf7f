"""Runs as LangSmith's SDKs send them, as records: `runs/multipart`, `runs/batch`, `runs`, PATCH.

Nothing is stored here. A run that cannot be read is left out and named; the others stay.

Source: langsmith-sdk, `_internal/_operations.py` (Python), `client.ts` (JavaScript).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from otel_threads.core.errors import InvalidPayload
from otel_threads.core.record import Op, Record
from otel_threads.json_bounds import JsonNotUtf8, JsonTooLarge, check_json
from otel_threads.vendors import times
from otel_threads.vendors.ids import uuid_text
from otel_threads.vendors.langsmith import texts
from otel_threads.vendors.langsmith.multipart import Part, Unreadable
from otel_threads.vendors.langsmith.texts import value

VENDOR = "langsmith"
DEFAULT_PROJECT = "default"
DEPTH_MAX = 500  # of one part, as of any body
FAULTS_MAX = 20  # that a response names
OPS: Mapping[str, Op] = {"post": "put", "patch": "patch"}
# Sent as parts of their own, each beside the part of its run.
FIELDS = ("inputs", "outputs", "events", "extra", "error", "serialized")
_UUID_IN_ORDER = re.compile(
    r"^\d{8}T\d+Z([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a run."""

    run_id: str
    name: str
    media_type: str
    content: bytes


@dataclass(slots=True)
class Sent:
    """What a request holds: runs, bodies of feedback as JSON text, files, and what was left out."""

    records: list[Record] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def add_fault(self, text: str) -> None:
        """Name something that was left out."""
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(text)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a store: the name of a project's UUID, and the trace of a run."""

    project_of: Callable[[str], str | None] = lambda uuid: None
    trace_of: Callable[[str], str | None] = lambda run_id: None


def of_multipart(parts: Iterable[Part | Unreadable], known: Known, *, values_max: int) -> Sent:
    """Return what the parts of a request hold."""
    sent = Sent()
    runs: dict[tuple[str, str], dict[str, str]] = {}
    for part in parts:
        if isinstance(part, Unreadable):
            sent.add_fault(part.fault)
            continue
        kind, _, rest = part.name.partition(".")
        if kind == "attachment":
            _add_attachment(sent, rest, part)
        elif kind == "feedback":
            text = _json_text(part.content, sent, part.name, values_max)
            if text is not None:
                sent.feedback.append(text)
        elif kind in OPS:
            run_id, _, name = rest.partition(".")
            if name and name not in FIELDS:
                sent.add_fault(f"{part.name}: no such part")
                continue
            text = _json_text(part.content, sent, part.name, values_max)
            if text is not None:
                runs.setdefault((kind, run_id), {})[name] = text
        else:
            sent.add_fault(f"{part.name[:100]}: no such part")
    for (kind, run_id), parts_of_run in runs.items():
        body = texts.fields(parts_of_run.get("", "{}"))
        body |= {name: text for name, text in parts_of_run.items() if name}
        _add_run(sent, OPS[kind], body, run_id)
    return _completed(sent, known)


def of_batch(text: str, known: Known) -> Sent:
    """Return what `{"post": [run…], "patch": [run…]}` holds.

    Raises:
        InvalidPayload: it is no JSON object of such lists.
    """
    lists = texts.fields(_object(text))
    sent = Sent()
    for kind, op in OPS.items():
        listed = lists.get(kind, "[]")
        if listed.lstrip()[:1] != "[" and listed != "null":
            raise InvalidPayload(f"{kind} is not a list of runs")
        for item in texts.items(listed):
            _add_run(sent, op, texts.fields(item), None)
    return _completed(sent, known)


def of_run(text: str, op: Op, run_id: str | None, known: Known) -> Sent:
    """Return what the body of one run holds; `run_id` is the path's, where it has one.

    Raises:
        InvalidPayload: it is no JSON object, or the run has no id that is a UUID.
    """
    sent = Sent()
    _add_run(sent, op, texts.fields(_object(text)), run_id)
    if not sent.records:
        raise InvalidPayload(sent.faults[0] if sent.faults else "no run in the body")
    return _completed(sent, known)


def _object(text: str) -> str:
    found = texts.sound(text)
    if found is None or found.lstrip()[:1] != "{":
        raise InvalidPayload("the body is not a JSON object")
    return found


def _json_text(content: bytes, sent: Sent, name: str, values_max: int) -> str | None:
    """Return a part's JSON text; None, with its fault, for what is none or too much to read."""
    try:
        check_json(content, values_max=values_max, depth_max=DEPTH_MAX)
        text = texts.sound(content.decode())
    except (JsonTooLarge, JsonNotUtf8, UnicodeDecodeError) as error:
        sent.add_fault(f"{name[:100]}: {error}")
        return None
    if text is None:
        sent.add_fault(f"{name[:100]}: the part is not JSON")
    return text


def _add_attachment(sent: Sent, rest: str, part: Part) -> None:
    run_id, _, name = rest.partition(".")
    uuid = uuid_text(run_id)
    if uuid is None or not name:
        sent.add_fault(f"{part.name[:100]}: write attachment.<run id>.<name>")
    else:
        sent.attachments.append(Attachment(uuid, name, part.media_type, part.content))


def _add_run(sent: Sent, op: Op, body: dict[str, str], told_id: str | None) -> None:
    record_id = uuid_text(told_id) if told_id is not None else None
    record_id = record_id or uuid_text(value(body.get("id")))
    if record_id is None:
        sent.add_fault(f"run {str(told_id or value(body.get('id')))[:60]!r}: its id is no UUID")
        return
    body.pop("child_runs", None)
    sent.records.append(
        Record(
            vendor=VENDOR,
            entity="run",
            op=op,
            record_id=record_id,
            trace_record_id=trace_of(body, record_id) if op == "put" else told_trace(body),
            project=_project(body, op),
            stamp_unix_nano=_stamp(body),
            body=texts.joined(body),
        )
    )


def told_trace(body: Mapping[str, str]) -> str | None:
    """Return the trace that a run names: `trace_id`, else the first of its dotted order."""
    if found := uuid_text(value(body.get("trace_id"))):
        return found
    order = value(body.get("dotted_order"))
    match = _UUID_IN_ORDER.match(order) if isinstance(order, str) else None
    return uuid_text(match[1]) if match else None


def trace_of(body: Mapping[str, str], record_id: str) -> str | None:
    """Return the trace of a run; None for a child that names its parent alone."""
    found = told_trace(body)
    if found is None and uuid_text(value(body.get("parent_run_id"))) is None:
        return record_id
    return found


def _project(body: Mapping[str, str], op: Op) -> str | None:
    name = value(body.get("session_name"))
    if isinstance(name, str) and name:
        return name
    session = uuid_text(value(body.get("session_id")))
    if session:
        return session  # _completed puts its name in place, where it has one
    return DEFAULT_PROJECT if op == "put" else None


def _stamp(body: Mapping[str, str]) -> int | None:
    """Return what orders posts of one run: its end, else its start, so that the fuller one wins."""
    for name in ("end_time", "start_time"):
        found = times.unix_nano(value(body.get(name)))
        if found is not None:
            return found
    return None


def _completed(sent: Sent, known: Known) -> Sent:
    """Return it with projects by name, and with the traces of runs that name their parent alone."""
    traces = {one.record_id: one.trace_record_id for one in sent.records if one.trace_record_id}
    names: dict[str, str] = {}
    records = []
    for one in sent.records:
        trace = one.trace_record_id or traces.get(one.record_id)
        if trace is None and one.op == "put":
            parent = uuid_text(value(texts.fields(one.body).get("parent_run_id")))
            trace = traces.get(parent or "") or (parent and known.trace_of(parent)) or parent
        project = one.project
        if project and uuid_text(project):
            if project not in names:
                names[project] = known.project_of(project) or project
            project = names[project]
        if (trace, project) != (one.trace_record_id, one.project):
            one = Record(
                one.vendor,
                one.entity,
                one.op,
                one.record_id,
                trace,
                project,
                one.stamp_unix_nano,
                one.body,
            )
        if one.trace_record_id:
            traces[one.record_id] = one.trace_record_id
        records.append(one)
    sent.records = records
    return sent
