// One run of scorers: what each scorer gave each item, errors included.
import { get } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, exact, number, oneLine, when } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { Failed, Loading } from "../lib/parts.js";
import { linkTo } from "../lib/route.js";
import { ofRun } from "./runs_page.js";

const LIMIT = 100;

/** The page. */
export function RunPage({ params }) {
  const path = `/evaluations/${encodeURIComponent(params.id)}`;
  const run = useAnswer((signal) => get(path, {}, signal), [path]);
  const [failed, setFailed] = useState(false);
  const query = { limit: LIMIT, failed: failed || "" };
  const first = useAnswer((signal) => get(`${path}/results`, query, signal), [path, failed]);
  const [more, setMore] = useState({ about: "", items: [], cursor: null });
  const about = path + failed;
  const added = more.about === about ? more : { items: [], cursor: first.data?.next_cursor };
  const next = async () => {
    const page = await get(`${path}/results`, { ...query, cursor: added.cursor });
    setMore({ about, items: [...added.items, ...page.items], cursor: page.next_cursor });
  };
  if (run.error) return html`<main id="main"><${Failed} error=${run.error} again=${run.again} /></main>`;
  if (!run.data) return html`<main id="main"><${Loading} what="the evaluation" /></main>`;
  const items = [...(first.data?.items ?? []), ...added.items];
  return html`<main id="main" class="page evaluations">
    <p><a href=${linkTo("evaluations", { project: params.project })}>Evaluations</a></p>
    <h1><bdi>${oneLine(run.data.name, 120)}</bdi></h1>
    <p class="lead"><bdi>${ofRun(run.data)}</bdi> · ${count(run.data.counts.scored, "item")} scored ·
      ${number(run.data.counts.failed)} failed · <span title=${exact(run.data.started_at)}>${when(run.data.started_at)}</span></p>
    <p><label class="check"><input type="checkbox" checked=${failed} onChange=${() => setFailed(!failed)} /> Only what failed</label></p>
    ${first.error && html`<${Failed} error=${first.error} again=${first.again} />`}
    <div class="scroll" tabindex="0" role="region" aria-label="Results"><table class="simple"><thead><tr>
      <th>Item</th><th>Score</th><th class="right">Value</th><th>Why</th></tr></thead>
    <tbody>${items.map((one, i) => html`<tr key=${i}>
      <td><${ItemLink} item=${one} /></td><td><bdi>${oneLine(one.name ?? one.scorer, 60)}</bdi></td>
      <td class="right">${one.value === null ? oneLine(one.category ?? "", 60) : number(one.value)}</td>
      <td class="words" dir="auto">${one.error ? html`<span class="bad">${oneLine(one.error, 300)}</span>`
        : oneLine(one.reason ?? "", 300)}</td></tr>`)}</tbody></table></div>
    ${added.cursor && html`<p><button onClick=${next}>Show more</button></p>`}
  </main>`;
}

/** An item: a link to its thread, where it is one. */
export const ItemLink = ({ item }) =>
  item.thread_id && item.project
    ? html`<a href=${linkTo("thread", { project: item.project, thread_id: item.thread_id })}><bdi>${oneLine(item.thread_id, 80)}</bdi></a>`
    : html`<bdi>${oneLine(item.item_id, 80)}</bdi>`;
