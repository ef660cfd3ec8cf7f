// A rule tried on threads, without writing: what it would give, and what it costs.
import { post } from "../lib/api.js";
import { count, number, oneLine, usd } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { linkTo } from "../lib/route.js";

/** Scores in a line, each with its reason. */
export const Given = ({ scores }) => html`${scores.map((one) => html`<span key=${one.name} class="score" title=${oneLine(
  one.reason ?? "", 1000)}><b><bdi>${oneLine(one.name, 40)}</bdi></b> ${one.value === null
    ? html`<bdi>${oneLine(one.category, 40)}</bdi>` : number(one.value)}</span>`)}`;

/** A form that tries a stored rule, with `changes` where somebody edits it. */
export function DryRun({ path, changes }) {
  const id = useId();
  const [threadId, setThreadId] = useState("");
  const [state, setState] = useState({});
  const run = async () => {
    setState({ busy: true });
    try {
      const body = threadId.trim() ? { thread_id: threadId.trim() } : { limit: 3 };
      setState({ found: await post(`${path}/dry-run`, changes ? { ...body, changes: changes() } : body) });
    } catch (error) {
      setState({ problem: error.message });
    }
  };
  const { busy, found, problem } = state;
  return html`<section class="block" aria-label="Preview">
    <div class="inline"><label for=${id} class="unseen">Thread to try it on</label>
      <input id=${id} placeholder="Id of a thread; empty for the latest three" value=${threadId}
          onInput=${(e) => setThreadId(e.target.value)} />
      <button type="button" disabled=${busy} onClick=${run}>${busy ? "Judging…" : "Preview"}</button></div>
    <div role="status">
    ${problem && html`<p class="bad">${oneLine(problem, 400)}</p>`}
    ${found && html`<p class="faint">${count(found.matched_count, "thread matches", "threads match")} · this cost ${usd(
      found.cost_usd)}${found.estimated_cost_usd_per_day !== null && ` · about ${usd(found.estimated_cost_usd_per_day)} a day`}</p>`}
    ${found?.scored.map((one) => html`<div key=${one.project + one.thread_id} class="given"><div class="line"><a
        href=${linkTo("thread", { project: one.project, thread_id: one.thread_id })}><bdi>${oneLine(one.thread_id, 60)}</bdi></a>
      <${Given} scores=${one.scores} /></div>
      ${one.error && html`<p class="bad">${oneLine(one.error, 400)}</p>`}
      ${one.scores.map((score) => score.reason && html`<p key=${score.name} class="reason">${score.reason}</p>`)}</div>`)}
    </div>
  </section>`;
}
