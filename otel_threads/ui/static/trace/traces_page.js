// All traces of a project, in threads or not: search, filter, time, errors.
import { duration, exact, number, oneLine, plainOf, short, usd, when } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { usePages } from "../lib/pages.js";
import { Empty, Failed, Loading } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";
import { ListBar } from "../threads/listbar.js";
import { allOf, questionOf } from "../threads/selection.js";

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
  const { data, error, again, items, More } = usePages("/traces", question);
  const change = (given) => go("traces", { ...params, ...given });
  const seen = (name) =>
    [...new Set(items.flatMap((one) => one[name] ?? []))].filter((one) => typeof one === "string" && one && one.length < 100).sort();
  const problem = error?.status === 400 ? error : null;
  return html`<main id="main" class="page traces">
    <h1>Traces ${data && html`<small class="faint">${number(data.total)}</small>`}</h1>
    <${ListBar} of="traces" params=${params} change=${change} sorts=${SORTS} problem=${problem} label="Search ids, names and messages"
      boxes=${[["errors", "With errors"], ["loose", "Without a thread"]]} placeholder=${'Filter  f   name contains "agent" and duration_ms > 5s'}
      values=${seen} />
    ${
      error && !problem
        ? html`<${Failed} error=${error} again=${again} />`
        : !data && !error
          ? html`<${Loading} what="traces" />`
          : !items.length && !problem
            ? html`<${Empty} title="No trace matches"><p><a href=${linkTo("traces", { project: params.project })}>Show all traces</a></p></${Empty}>`
            : items.length > 0 && html`<${List} items=${items} everyProject=${question.project === "*"} />`
    }
    ${More}
  </main>`;
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
