// Runs of scorers: a table of them, and which two to compare.
import { get } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { exact, number, oneLine, usd, when } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { Empty, Failed, Loading } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";

const LIMIT = 100;
const SCORES_MAX = 12; // columns of a table

/** The page. */
export function RunsPage({ params }) {
  const project = params.project || "*";
  const runs = useAnswer((signal) => get("/evaluations", { project, limit: LIMIT }, signal), [project]);
  const [chosen, setChosen] = useState({ base: null, candidate: null });
  const items = runs.data?.items ?? [];
  const names = [...new Set(items.flatMap((run) => Object.keys(run.scores)))].slice(0, SCORES_MAX);
  const ready = chosen.base && chosen.candidate && chosen.base !== chosen.candidate;
  const choice = (side, run) => html`<td><input type="radio" name=${side} checked=${chosen[side] === run.evaluation_id}
      aria-label="${side === "base" ? "Compare with" : "Compare"} ${oneLine(run.name, 60)} of ${exact(run.started_at)}"
      onChange=${() => setChosen({ ...chosen, [side]: run.evaluation_id })} /></td>`;
  return html`<main id="main" class="page evaluations">
    <h1>Evaluations</h1>
    ${runs.error && html`<${Failed} error=${runs.error} again=${runs.again} />`}
    ${!runs.data && !runs.error && html`<${Loading} what="evaluations" />`}
    ${runs.data && !items.length && html`<${Empty} title="None yet"><p>From a shell:
        <code>otel-threads evaluate --name today --scorer repeated_question</code></p></${Empty}>`}
    ${items.length > 0 && html`<p><button class="primary" disabled=${!ready}
        onClick=${() => go("comparison", { project: params.project, ...chosen })}>Compare</button>
      <span class="faint"> ${ready ? "" : "Choose what to compare, and what to compare it with."}</span></p>
    <div class="scroll" tabindex="0" role="region" aria-label="Evaluations"><table class="simple"><thead><tr>
      <th>With</th><th>Compare</th><th>Name</th><th>Of</th><th class="right">Items</th><th class="right">Failed</th>
      ${names.map((name) => html`<th class="right" key=${name}><bdi>${oneLine(name, 40)}</bdi></th>`)}
      <th class="right">Cost</th><th class="right">Started</th></tr></thead>
    <tbody>${items.map((run) => html`<tr key=${run.evaluation_id}>
      ${choice("base", run)}${choice("candidate", run)}
      <td><a href=${linkTo("evaluation", { project: params.project, id: run.evaluation_id })}><bdi>${oneLine(run.name, 80)}</bdi></a>
        ${!run.finished_at && html` <span class="faint">not finished</span>`}</td>
      <td class="words"><bdi>${ofRun(run)}</bdi></td>
      <td class="right">${number(run.counts.items ?? run.counts.scored)}</td>
      <td class="right">${run.counts.failed ? html`<span class="bad">${number(run.counts.failed)}</span>` : "0"}</td>
      ${names.map((name) => html`<td class="right" key=${name}>${run.scores[name] ? meanOf(run.scores[name]) : ""}</td>`)}
      <td class="right">${run.cost_usd === null ? "" : usd(run.cost_usd)}</td>
      <td class="right" title=${exact(run.started_at)}>${when(run.started_at)}</td></tr>`)}</tbody></table></div>`}
  </main>`;
}

/** Return what a run was of, in a line. */
export const ofRun = (run) =>
  oneLine(run.dataset ? `data set ${run.dataset} v${run.dataset_version}` : (run.filter ?? "all threads"), 120);

function meanOf(score) {
  if (score.mean !== null) return number(score.mean);
  const labels = Object.entries(score.categories).sort(([, a], [, b]) => b - a);
  return labels.slice(0, 2).map(([label, n]) => `${oneLine(label, 30)} ${n}`).join(", ");
}
