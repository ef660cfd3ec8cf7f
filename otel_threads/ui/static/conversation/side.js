// The panel beside a conversation: status, scores, tags, comments, metadata, users, raw JSON.
import { post } from "../lib/api.js";
import { duration, exact, number, oneLine, usd, when } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Json } from "../lib/json.js";
import { attempt } from "../lib/parts.js";
import { linkTo } from "../lib/route.js";
import { Comments } from "../annotations/comments.js";
import { Scores } from "../annotations/scores.js";
import { Tags } from "../annotations/tags.js";
import { Status } from "../threads/columns.js";
import { Fold } from "./message.js";
import { AskPanel } from "./ask_panel.js";
import { FieldPaths } from "./fieldpaths.js";

const USAGE = {
  input_tokens: "Input",
  output_tokens: "Output",
  total_tokens: "Total",
  cache_read_tokens: "From cache",
  cache_write_tokens: "To cache",
  reasoning_tokens: "Reasoning",
  input_audio_tokens: "Audio in",
  output_audio_tokens: "Audio out",
};

/** Return a function that names the turn which a score of the thread stands at, with a link to it. */
const placeIn = (turns, show) => (score) => {
  const own = turns.filter((t) => t.turn_index === score.turn_index || t.trace_ids.includes(score.trace_id));
  const turn = own.find((t) => t.span_id === score.span_id) ?? own[0];
  return (
    turn && html`<button class="plain faint" onClick=${() => show(turn.turn_index)}>turn ${turn.turn_index + 1}</button>`
  );
};

/** The panel. `changed` reads the thread again. */
export function Side({ thread, turns, show, project, changed, onProject, version }) {
  const key = { project: thread.project, thread_id: thread.thread_id };
  const turn = (path, words) =>
    attempt(async () => {
      await post(path, { project: thread.project, thread_ids: [thread.thread_id] });
      changed();
    }, words);
  const list = (label, items) =>
    items.length > 0 &&
    html`<dt>${label}</dt><dd>${items.map((one) => html`<div key=${one}><bdi>${oneLine(one, 120)}</bdi></div>`)}</dd>`;
  return html`<aside class="side" aria-label="About this thread">
    <section class="block"><header><h3>Status</h3><${Status} status=${thread.status} />
      ${thread.status === "active" ? html`<button onClick=${() => turn("/threads/close", "Closed")}>Close</button>`
        : html`<button onClick=${() => turn("/threads/reopen", "Reopened")}>Reopen</button>`}</header>
      <dl class="facts">
        <dt>First activity</dt><dd title=${exact(thread.first_activity_time)}>${when(thread.first_activity_time)}</dd>
        <dt>Last activity</dt><dd title=${exact(thread.last_activity_time)}>${when(thread.last_activity_time)}</dd>
        <dt>Duration</dt><dd title="${number(thread.duration_ms)} ms">${duration(thread.duration_ms)}</dd>
        <dt>Traces</dt><dd>${number(thread.trace_count)}</dd><dt>Spans</dt><dd><a href=${linkTo("spans", key)}>${
          number(thread.span_count)}</a></dd>
        <dt>Cost</dt><dd title=${thread.cost_usd === null ? "unknown"
          : `$${thread.cost_usd}`}>${usd(thread.cost_usd)} ${thread.cost_source && html`<span
              class="faint">${thread.cost_source}${thread.cost_is_partial ? ", partial" : ""}</span>`}</dd>
        ${list("Users", thread.users)}${list("Models", thread.models)}${list("Providers", thread.providers)}${list("Services", thread.services)}${list("Environments", thread.environments)}
        <dt>Id found in</dt><dd><code>${oneLine(thread.thread_id_source ?? "–", 120)}</code></dd>
      </dl>
    </section>
    <${AskPanel} target=${key} show=${show} />
    <${Scores} target=${key} onChange=${changed} version=${version} place=${placeIn(turns, show)} />
    <${Tags} tags=${thread.tags} target=${{ project: thread.project, thread_ids: [thread.thread_id] }} onChange=${changed} />
    <${Comments} target=${key} onChange=${changed} version=${version} />
    <section class="block"><header><h3>Tokens</h3></header><dl class="facts">${Object.entries(USAGE)
      .filter(([name]) => thread.usage[name] !== null)
      .map(
        ([name, label]) => html`<dt key=${name}>${label}</dt><dd>${number(thread.usage[name])}</dd>`,
      )}</dl></section>
    <section class="block"><header><h3>Metadata</h3></header>
      ${Object.keys(thread.metadata).length ? html`<dl class="facts">${Object.entries(thread.metadata).map(([name, value]) =>
        html`<dt key=${name}><bdi>${oneLine(name, 80)}</bdi></dt><dd dir="auto">${oneLine(value, 500)}</dd>`)}</dl>` : html`<p
            class="faint">None.</p>`}</section>
    <${FieldPaths} project=${project} name=${thread.project} onDone=${onProject} />
    <section class="block"><${Fold} label="Raw JSON"><${Json} value=${thread} label="thread" /></${Fold}></section>
  </aside>`;
}
