// All traces of a project, in threads or not: search, filter, time, errors.
import { get } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { duration, exact, number, oneLine, plainOf, short, usd, when } from "../lib/format.js";
import { html, useEffect, useId, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { Empty, Failed, Loading } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";
import { TimeRange } from "../threads/filterbar.js";
import { allOf, questionOf } from "../threads/selection.js";

const LIMIT = 50;
const SORTS = {
  "-start_time": "Newest first",
  "-duration_ms": "Longest first",
  "-cost_usd": "Dearest first",
  "-error_count": "Most errors first",
};

/** The page. */
export function TracesPage({ params }) {
  const [now] = useState(() => Date.now());
  const { from, to } = questionOf(params, now);
  const question = {
    project: params.project || "*",
    search: params.search,
    filter: allOf(params.filter, params.errors && "error_count > 0"),
    without_thread: params.loose ? true : null,
    sort: params.sort || "-start_time",
    from,
    to,
  };
  const about = JSON.stringify(question);
  const first = useAnswer((signal) => get("/traces", { ...question, limit: LIMIT, with_total: true }, signal), [about]);
  const [more, setMore] = useState({ items: [], cursor: undefined, error: null });
  useEffect(() => setMore({ items: [], cursor: undefined, error: null }), [about]);
  const cursor = more.cursor === undefined ? first.data?.next_cursor : more.cursor;
  const items = [...(first.data?.items ?? []), ...more.items];
  const next = async () => {
    try {
      const page = await get("/traces", { ...question, limit: LIMIT, cursor });
      setMore((held) => ({ items: [...held.items, ...page.items], cursor: page.next_cursor, error: null }));
    } catch (error) {
      setMore((held) => ({ ...held, error }));
    }
  };
  const change = (given) => go("traces", { ...params, ...given });
  return html`<main id="main" class="page traces">
    <h1>Traces ${first.data && html`<small class="faint">${number(first.data.total)}</small>`}</h1>
    <${Bar} params=${params} change=${change} problem=${first.error?.status === 400 ? first.error : null} />
    ${
      first.error && first.error.status !== 400
        ? html`<${Failed} error=${first.error} again=${first.again} />`
        : !first.data && !first.error
          ? html`<${Loading} what="traces" />`
          : !items.length
            ? html`<${Empty} title="No trace matches"><p><a href=${linkTo("traces", { project: params.project })}>Show all traces</a></p></${Empty}>`
            : html`<${List} items=${items} everyProject=${question.project === "*"} />`
    }
    ${more.error && html`<${Failed} error=${more.error} again=${next} />`}
    ${cursor && html`<p><button onClick=${next}>Show more</button></p>`}
  </main>`;
}

function Bar({ params, change, problem }) {
  const [search, setSearch] = useState(params.search ?? "");
  const [filter, setFilter] = useState(params.filter ?? "");
  const ids = [useId(), useId(), useId(), useId(), useId()];
  useEffect(() => setSearch(params.search ?? ""), [params.search]);
  useEffect(() => setFilter(params.filter ?? ""), [params.filter]);
  const submit = (event) => {
    event.preventDefault();
    change({ search: search.trim(), filter: filter.trim() });
  };
  return html`<form class="filterbar plainbar" role="search" onSubmit=${submit}>
    <label for=${ids[0]} class="unseen">Search ids, names and messages</label>
    <input id=${ids[0]} type="search" maxlength="1000" placeholder="Search" value=${search} onInput=${(e) => {
      setSearch(e.target.value);
      if (!e.target.value && params.search) change({ search: "" });
    }} />
    <label for=${ids[1]} class="unseen">Filter</label>
    <input id=${ids[1]} class="mono" spellcheck=${false} maxlength="10000" placeholder='name contains "agent" and duration_ms > 5s'
      aria-invalid=${problem ? "true" : undefined} value=${filter} onInput=${(e) => setFilter(e.target.value)} />
    <button>Apply</button>
    <label for=${ids[2]}><input id=${ids[2]} type="checkbox" checked=${Boolean(params.errors)}
        onChange=${(e) => change({ errors: e.target.checked ? "1" : "" })} /> With errors</label>
    <label for=${ids[3]}><input id=${ids[3]} type="checkbox" checked=${Boolean(params.loose)}
        onChange=${(e) => change({ loose: e.target.checked ? "1" : "" })} /> Without a thread</label>
    <label for=${ids[4]} class="unseen">Order</label>
    <select id=${ids[4]} value=${params.sort || "-start_time"}
      onChange=${(e) => change({ sort: e.target.value === "-start_time" ? "" : e.target.value })}>
      ${Object.entries(SORTS).map(([sort, words]) => html`<option key=${sort} value=${sort}>${words}</option>`)}</select>
    <${TimeRange} params=${params} change=${change} />
    ${problem && html`<p class="bad" role="alert">${problem.message}</p>`}
  </form>`;
}

const List = ({ items, everyProject }) => html`<div class="scroll" tabindex="0" role="region" aria-label="Traces"><table class="simple">
  <thead><tr><th>Trace</th>${everyProject && html`<th>Project</th>`}<th>Thread</th><th>First message</th><th class="right">Spans</th>
    <th class="right">Errors</th><th class="right">Tokens</th><th class="right">Cost</th><th class="right">Duration</th><th
      class="right">Start</th></tr></thead>
  <tbody>${items.map((trace) => html`<${Line} key=${trace.project + trace.trace_id} trace=${trace} everyProject=${everyProject} />`)}</tbody>
</table></div>`;

function Line({ trace, everyProject }) {
  const { project, trace_id: traceId, thread_ids: threads } = trace;
  return html`<tr class=${trace.error_count ? "has-error" : ""}>
    <td><a href=${linkTo("trace", { trace_id: traceId, project })} title=${traceId}><bdi>${oneLine(trace.name || traceId, 80)}</bdi></a></td>
    ${everyProject && html`<td><bdi>${oneLine(project, 60)}</bdi></td>`}
    <td>${
      threads.length
        ? html`<a href=${linkTo("thread", { project, thread_id: threads[0] })}><bdi>${oneLine(threads[0], 60)}</bdi></a>${threads.length > 1 && html` <span
            class="faint">+${threads.length - 1}</span>`}`
        : html`<a class="faint" href=${linkTo("loose", { project })}>none</a>`
    }</td>
    <td class="words" dir="auto">${oneLine(plainOf((trace.first_message ?? "").slice(0, 400)), 120)}</td>
    <td class="right">${number(trace.span_count)}</td>
    <td class="right">${trace.error_count ? html`<span class="bad"><${Icon} name="error" size=${12} /> ${number(trace.error_count)}</span>` : "0"}</td>
    <td class="right">${short(trace.usage.total_tokens)}</td><td class="right">${usd(trace.cost_usd)}</td>
    <td class="right">${duration(trace.duration_ms)}</td>
    <td class="right" title=${exact(trace.start_time)}>${when(trace.start_time)}</td></tr>`;
}
