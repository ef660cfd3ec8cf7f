// Issues: the same failure in several threads. Each leads to its threads, and can be closed.
import { get, post } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, exact, number, oneLine, short, when } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Empty, Failed, Loading, attempt } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";

const LIMIT = 200;
const EXAMPLES = 3;
const DAY_MS = 86400e3;
const DAYS = { "": "Last 30 days", 1: "Last 24 hours", 7: "Last 7 days", 90: "Last 90 days", 365: "Last year" };
const KINDS = { error: "error", tool: "tool", unanswered: "no answer" };

/** The page. */
export function IssuesPage({ params }) {
  const [now] = useState(() => Date.now());
  const ids = [useId(), useId()];
  const question = {
    project: params.project || "*",
    state: params.state,
    from: params.days in DAYS && params.days ? new Date(now - params.days * DAY_MS).toISOString() : "",
    threads_min: params.threads_min,
    limit: LIMIT,
  };
  const { data, error, again } = useAnswer((signal) => get("/issues", question, signal), [question]);
  const items = data?.items ?? [];
  const change = (given) => go("issues", { ...params, ...given });
  const turn = (one) =>
    attempt(async () => {
      await post(one.state === "open" ? "/issues/close" : "/issues/reopen", { project: one.project, issue_ids: [one.issue_id] });
      again();
    }, one.state === "open" ? "Closed, until it happens again" : "Open again");
  const everyProject = question.project === "*";
  return html`<main id="main" class="page issues">
    <h1>Issues ${data && html`<small class="faint">${number(data.total)}</small>`}</h1>
    <p class="lead">The same failure in several threads: an error, a tool that fails, like questions without an answer.</p>
    <div class="ways"><span class="ways" role="group" aria-label="State">${[["", "All"], ["open", "Open"], ["closed", "Closed"]].map(([state, words]) => html`<button
        key=${state} aria-pressed=${(params.state ?? "") === state} onClick=${() => change({ state })}>${words}</button>`)}</span>
      <label for=${ids[0]} class="unseen">Seen</label>
      <select id=${ids[0]} value=${params.days ?? ""} onChange=${(e) => change({ days: e.target.value })}>${["1", "7", "", "90", "365"].map((days) =>
        html`<option key=${days} value=${days}>${DAYS[days]}</option>`)}</select>
      <label for=${ids[1]} class="unseen">Threads that make an issue</label>
      <select id=${ids[1]} value=${params.threads_min ?? ""} onChange=${(e) => change({ threads_min: e.target.value })}>${["1", "", "5", "20"].map((least) =>
        html`<option key=${least} value=${least}>In ${count(Number(least || 2), "thread")} or more</option>`)}</select>
      <button onClick=${again}>Refresh</button></div>
    ${error && html`<${Failed} error=${error} again=${again} />`}
    ${!data && !error && html`<${Loading} what="issues" />`}
    ${data && !items.length && html`<${Empty} title="No issue"><p>Nothing failed alike in ${count(Number(params.threads_min || 2), "thread")} or more.</p></${Empty}>`}
    ${items.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Issues"><table class="simple"><thead><tr>
      <th>Issue</th>${everyProject && html`<th>Project</th>`}<th>Kind</th><th>State</th><th class="right">Threads</th><th class="right">Turns</th><th>14 days</th>
      <th>Latest threads</th><th class="right">First seen</th><th class="right">Last seen</th><th><span class="unseen">Close</span></th></tr></thead>
    <tbody>${items.map((one) => html`<${Line} key=${one.issue_id} one=${one} everyProject=${everyProject} turn=${turn} />`)}</tbody></table></div>`}
  </main>`;
}

function Line({ one, everyProject, turn }) {
  const list = { project: one.project, filter: one.filter };
  return html`<tr>
    <td class="words" title=${oneLine(one.title, 1000)}><a href=${linkTo("threads", list)}><bdi>${oneLine(one.name ?? one.title, 160)}</bdi></a>${
      one.name && html`<br /><small class="faint"><bdi>${oneLine(one.title, 160)}</bdi></small>`}</td>
    ${everyProject && html`<td><bdi>${oneLine(one.project, 60)}</bdi></td>`}
    <td>${KINDS[one.kind] ?? one.kind}</td>
    <td title=${one.closed_at ? `closed ${exact(one.closed_at)}` : ""}><span class="status ${one.state}">${
      one.is_reopened ? "open again" : one.state}</span></td>
    <td class="right">${short(one.thread_count)}</td><td class="right">${short(one.turn_count)}</td>
    <td><${Trend} days=${one.trend} /></td>
    <td class="examples">${one.thread_ids.slice(0, EXAMPLES).map((id) => html`<a key=${id} title=${oneLine(id, 400)}
        href=${linkTo("thread", { project: one.project, thread_id: id })}><bdi>${oneLine(id, 24)}</bdi></a>`)}</td>
    <td class="right" title=${exact(one.first_seen_time)}>${when(one.first_seen_time)}</td>
    <td class="right" title=${exact(one.last_seen_time)}>${when(one.last_seen_time)}</td>
    <td><button aria-label="${one.state === "open" ? "Close" : "Reopen"} ${oneLine(one.name ?? one.title, 60)}"
        onClick=${() => turn(one)}>${one.state === "open" ? "Close" : "Reopen"}</button></td></tr>`;
}

/** Turns by day, as bars; the numbers stand in the title of each. */
function Trend({ days }) {
  const most = Math.max(1, ...days.map((day) => day.turn_count));
  return html`<svg class="trend" width=${days.length * 5} height="20" role="img"
      aria-label=${`${days.map((day) => day.turn_count).join(", ")} turns by day`}>
    ${days.map((day, i) => {
      const height = day.turn_count ? Math.max(2, (day.turn_count / most) * 20) : 0;
      return html`<g key=${day.day}><title>${`${day.day}: ${count(day.turn_count, "turn")}`}</title><rect x=${i * 5} y=${20 - height} width="4"
          height=${height} /></g>`;
    })}</svg>`;
}
