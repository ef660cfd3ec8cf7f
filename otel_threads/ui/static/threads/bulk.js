// What can be done with selected threads, and with the whole selection.
import { download, post } from "../lib/api.js";
import { count } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { Confirm, Menu, attempt, toast } from "../lib/parts.js";
import { ScoreForm } from "../annotations/scores.js";
import { TagDialog } from "../annotations/tags.js";
import { byProject, filterOf } from "./selection.js";

const FILTER_LENGTH_MAX = 10_000; // of the API
const FORMATS = {
  "JSONL, a thread a line": { format: "jsonl" },
  "JSONL for OpenAI fine-tuning": { format: "jsonl", shape: "openai" },
  CSV: { format: "csv" },
  Parquet: { format: "parquet" },
  "OTLP, the spans as they came": { format: "otlp" },
};

/** The kinds of export, of a question. */
export function ExportMenu({ question, label = "Export", align = "right" }) {
  const save = (kind, close) => {
    close();
    const { format } = kind;
    attempt(() =>
      download(
        "/export/threads",
        { ...question, ...kind },
        `threads.${format === "otlp" ? "jsonl" : format}`,
      ),
    );
  };
  return html`<${Menu} label=${label} title="Export" align=${align}>
    ${(close) => html`<div class="choices">${Object.entries(FORMATS).map(([words, kind]) => html`<button key=${words}
        onClick=${() => save(kind, close)}>${words}</button>`)}</div>`}
  </${Menu}>`;
}

/** The bar that stands above the list while threads are selected. */
export function BulkBar({ threads, onDone, onDeleted, clear }) {
  const [open, setOpen] = useState(null);
  const all = async (path, done) => {
    const ok = await attempt(async () => {
      for (const [project, thread_ids] of byProject(threads)) await post(path, { project, thread_ids });
    }, done);
    if (ok) onDone();
    return ok;
  };
  const filter = filterOf(threads);
  return html`<div class="bulk" role="toolbar" aria-label="Selected threads">
    <b>${count(threads.length, "thread")} selected</b>
    <button onClick=${() => all("/threads/close", "Closed")}>Close</button>
    <button onClick=${() => all("/threads/reopen", "Reopened")}>Reopen</button>
    <button onClick=${() => setOpen("tag")}>Tag…</button>
    <button onClick=${() => setOpen("score")}>Score…</button>
    ${
      filter.length <= FILTER_LENGTH_MAX
        ? html`<${ExportMenu} question=${{ project: "*", filter }} align="left" />`
        : html`<button onClick=${() => toast("These are too many to export by their ids: filter for them and export the selection.", { error: true })}>Export</button>`
    }
    <button class="danger" onClick=${() => setOpen("delete")}>Delete…</button>
    <button class="plain end" onClick=${clear}>Clear selection</button>
    ${open === "tag" && html`<${TagDialog} threads=${threads} onDone=${onDone} onClose=${() => setOpen(null)} />`}
    ${open === "score" && html`<${ScoreForm} targets=${threads.map(({ project, thread_id }) => ({ project, thread_id }))}
        onDone=${onDone} onClose=${() => setOpen(null)} />`}
    ${
      open === "delete" &&
      html`<${Confirm} title="Delete ${count(threads.length, "thread")}?" action="Delete" onClose=${() => setOpen(null)}
      text="Their spans, scores, comments and tags go with them. There is no way back."
      onYes=${async () => (await all("/threads/delete", "Deleted")) && onDeleted()} />`
    }
  </div>`;
}
