"""What people keep beside conversations: projects, workspace settings, files, late scores."""

import dataclasses
import datetime
from collections.abc import Iterator, Sequence

from otel_threads.core.attachment import Attachment, AttachmentTarget, NewAttachment
from otel_threads.core.document import Document
from otel_threads.core.errors import Conflict, InvalidQuery, TooLarge
from otel_threads.core.ids import new_uuid7
from otel_threads.core.limits import COOLDOWN_S_MAX, ID_LENGTH_MAX, ITEMS_MAX, NAME_LENGTH_MAX
from otel_threads.core.project import NewProject, OwnProject
from otel_threads.core.score import NewScore
from otel_threads.services.annotations import AnnotationService
from otel_threads.services.checks import check_name
from otel_threads.services.contents import ContentService
from otel_threads.store.workspace.workspace_rows import Workspace

UNLINKED_FOR = datetime.timedelta(hours=24)  # that a score waits for its span
UNLINKED_MAX = 100_000
ATTACHMENTS_BYTES_MAX = 4 << 30  # of all files together
MEDIA_TYPE_LENGTH_MAX = 200
CONFIGURATION_LENGTH_MAX = 100_000
DOCUMENTS_MAX = 1000  # of a kind
DOCUMENT_LENGTH_MAX = 1 << 20
PROJECTS_MAX = 10_000  # that were made by name


class WorkspaceService:
    """Projects, settings and files of the workspace. Any thread may call."""

    def __init__(
        self,
        workspace: Workspace,
        annotations: AnnotationService,
        contents: ContentService,
        *,
        attachments_bytes_max: int = ATTACHMENTS_BYTES_MAX,
    ) -> None:
        self._attachments_bytes_max = attachments_bytes_max
        self._workspace = workspace
        self._annotations = annotations
        self._contents = contents

    def project_names(self) -> list[str]:
        """Return the projects that somebody made by name; others come with their first trace."""
        return self._workspace.project_names()

    def projects(self) -> list[OwnProject]:
        """Return every project, also without traces, by name."""
        made = self._workspace.descriptions()
        names = sorted({*made, *self._contents.project_names()})
        none = (None, None, None)
        return [
            OwnProject(project=n, description=d, created_at=c, updated_at=u)
            for n in names
            for d, c, u in [made.get(n, none)]
        ]

    def make_project(self, given: NewProject) -> None:
        """Make a project.

        Raises:
            InvalidQuery: the name cannot be. Conflict: there is one of that name already.
        """
        check_name("project", given.project)
        names = {*self._workspace.project_names(), *self._contents.project_names()}
        if given.project in names:
            raise Conflict(f"Project already exists: {given.project}")
        if len(names) >= PROJECTS_MAX:
            raise Conflict(f"there are {PROJECTS_MAX} projects already")
        self._workspace.put_project(given.project, given.description)

    def describe_project(self, project: str, description: str | None) -> None:
        """Set what a project is described as, whether somebody made it or its traces did."""
        self._workspace.put_project(project, description)

    def forget_project(self, project: str) -> None:
        """Forget that somebody made a project; with traces it is there still."""
        self._workspace.delete_project(project)

    def link_key(self) -> bytes:
        """Return the secret by which addresses of files are signed, the same after a start."""
        return self._workspace.link_key()

    def configuration(self) -> str | None:
        """Return the settings of the workspace as the JSON text that was put; None without."""
        return self._workspace.configuration()

    def put_configuration(self, text: str, *, thread_cooldown_s: float | None) -> None:
        """Set them. The cooldown holds for every project that has none of its own, at once.

        Raises:
            InvalidQuery: the cooldown is not positive, or the text too long.
        """
        if len(text) > CONFIGURATION_LENGTH_MAX:
            raise InvalidQuery(
                f"a configuration of more than {CONFIGURATION_LENGTH_MAX} characters"
            )
        if thread_cooldown_s is not None and not 0 < thread_cooldown_s <= COOLDOWN_S_MAX:
            raise InvalidQuery(f"a cooldown of {thread_cooldown_s} s cannot be")
        self._workspace.put_configuration(text, cooldown_s=thread_cooldown_s)

    def delete_configuration(self) -> None:
        """Unset them: the server's own settings hold again."""
        self._workspace.put_configuration(None, cooldown_s=None)

    def apply_cooldown(self) -> None:
        """Let the workspace's cooldown hold after a start."""
        self._workspace.apply_cooldown()

    def documents(self, kind: str) -> list[Document]:
        """Return all documents of a kind, the newest first."""
        return self._workspace.documents(kind)

    def add_document(self, kind: str, body: str) -> Document:
        """Store JSON text as a new document of a kind.

        Raises:
            Conflict: there are too many. InvalidQuery: it is too long.
        """
        if len(self.documents(kind)) >= DOCUMENTS_MAX:
            raise Conflict(f"there are {DOCUMENTS_MAX} of these already")
        now = datetime.datetime.now(datetime.UTC)
        made = Document(kind=kind, id=new_uuid7(), body=body, created_at=now, updated_at=now)
        return self._put_document(made)

    def update_document(self, document: Document, body: str) -> Document:
        """Store other JSON text under the id of a document.

        Raises:
            InvalidQuery: it is too long.
        """
        now = datetime.datetime.now(datetime.UTC)
        return self._put_document(dataclasses.replace(document, body=body, updated_at=now))

    def _put_document(self, document: Document) -> Document:
        if len(document.body) > DOCUMENT_LENGTH_MAX:
            raise InvalidQuery(f"it has more than {DOCUMENT_LENGTH_MAX} characters")
        self._workspace.put_document(document)
        return document

    def delete_documents(self, kind: str, ids: Sequence[str]) -> None:
        """Delete documents; one that is not here is no error."""
        self._workspace.delete_documents(kind, ids[:ITEMS_MAX])

    def attachments(
        self, *, entity: str, entity_id: str, project: str | None = None
    ) -> list[Attachment]:
        """Return the files beside a trace or a span, by name."""
        return self._workspace.attachments(entity, [entity_id], project)

    def attachments_of(self, entity: str, entity_ids: Sequence[str]) -> list[Attachment]:
        """Return the files beside some traces or spans, by name."""
        return self._workspace.attachments(entity, entity_ids, None)

    def check_attachment(self, given: NewAttachment) -> None:
        """Return when a file can have its names.

        Raises:
            InvalidQuery: it cannot.
        """
        for name, text, length in (
            ("file_name", given.file_name, ID_LENGTH_MAX),
            ("mime_type", given.media_type, MEDIA_TYPE_LENGTH_MAX),
            ("project", given.target.project, NAME_LENGTH_MAX),
        ):
            if not text or len(text) > length or not text.isprintable():
                raise InvalidQuery(f"{name} must have 1 to {length} printable characters")

    def put_attachments(self, files: Sequence[NewAttachment]) -> None:
        """Store files, all or none, each in place of the one of its name.

        Raises:
            InvalidQuery: a name that cannot be. TooLarge: all files together would be too large.
        """
        for one in files:
            self.check_attachment(one)
        size_bytes = sum(len(one.data) for one in files)
        if self._workspace.attachment_bytes() + size_bytes > self._attachments_bytes_max:
            raise TooLarge(f"all files together may have {self._attachments_bytes_max} bytes")
        now = datetime.datetime.now(datetime.UTC)
        made = [
            Attachment(
                project=one.target.project,
                entity=one.target.entity,
                entity_id=one.target.entity_id,
                id=new_uuid7(),
                trace_id=one.trace_id,
                file_name=one.file_name,
                media_type=one.media_type,
                size_bytes=len(one.data),
                created_at=now,
            )
            for one in files
        ]
        self._workspace.put_attachments(
            [(one, given.data) for one, given in zip(made, files, strict=True)]
        )

    def attachment_data(self, attachment: Attachment) -> Iterator[bytes]:
        """Yield what a file holds, some megabytes at a time."""
        return self._workspace.attachment_data(attachment)

    def delete_attachments(self, target: AttachmentTarget, file_names: Sequence[str]) -> None:
        """Delete files by name; one that is not here is no error."""
        self._workspace.delete_attachments(target, file_names[:ITEMS_MAX])

    def put_span_scores(self, scores: Sequence[tuple[str, NewScore]]) -> None:
        """Write scores of spans that are named by the UUID of an SDK, here or not yet.

        Raises:
            InvalidQuery: one of them cannot be. Conflict: too many wait for their spans.
        """
        found = self._located({record_id for record_id, _ in scores})
        here = [
            self._annotations.of_span(score, *found[record_id])
            for record_id, score in scores
            if record_id in found
        ]
        waiting: dict[str, list[NewScore]] = {}
        for record_id, score in scores:
            if record_id not in found:
                waiting.setdefault(record_id, []).append(score)
        if here:
            self._annotations.put_scores(here)
        if waiting:
            if len(self._workspace.unlinked_spans()) >= UNLINKED_MAX:
                raise Conflict("too many scores wait for spans that have not arrived")
            self._workspace.add_unlinked_scores(waiting)

    def link(self) -> None:
        """Give scores and files that came before their spans to these, where they have arrived."""
        if not self._workspace.has_unlinked():
            return
        waiting = self._workspace.unlinked_spans()
        if not waiting:
            return
        found = self._located(set(waiting))
        for record_id, some in self._workspace.unlinked_scores(list(found)).items():
            scores = [self._annotations.of_span(score, *found[record_id]) for score in some]
            self._annotations.put_scores(scores)
        before = datetime.datetime.now(datetime.UTC) - UNLINKED_FOR
        traces = {record_id: trace_id for record_id, (trace_id, _) in found.items()}
        self._workspace.link(traces, forget_before=before)

    def _located(self, record_ids: set[str]) -> dict[str, tuple[str, str]]:
        """Return trace id and span id of the spans that are here, by UUID."""
        found: dict[str, tuple[str, str]] = {}
        for record_id, location in self._contents.spans_by_uuid(sorted(record_ids)).items():
            found[record_id] = (location.trace_id, location.span_id)
        return found
