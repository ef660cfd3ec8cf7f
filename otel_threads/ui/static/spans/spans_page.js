// Spans of all traces: filter by their fields; each leads to its trace and to its thread.
import { duration, exact, number, oneLine, short, usd, when } from "../lib/format.js";
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
  "-usage.total_tokens": "Most tokens first",
};
const VALUES = {
  __proto__: null,
  status_code: ["error", "ok", "unset"],
  kind: ["internal", "client", "server", "producer", "consumer", "unspecified"],
  "attributes.": ["gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.agent.name", "error.type"],
};

/** The page. */
export function SpansPage({ params }) {
  const [now] = useState(() => Date.now());
  const { from, to } = questionOf(params, now);
  const question = {
    project: params.project || "*",
    thread_id: params.thread_id,
    search: params.search,
    filter: allOf(params.filter, params.errors && 'status_code = "error"', params.calls && "model is_not_null"),
    sort: params.sort || "-start_time",
    from,
    to,
  };
  const { data, error, again, items, More } = usePages("/spans", question);
  const change = (given) => go("spans", { ...params, ...given });
  const seen = (name) => [...new Set(items.map((one) => one[name]))].filter((one) => one && one.length < 100).sort();
  const problem = error?.status === 400 ? error : null;
  return html`<main id="main" class="page spanlist">
    <h1>Spans ${data && html`<small class="faint">${number(data.total)}</small>`}</h1>
    ${params.thread_id && html`<p class="lead">Of thread <bdi>${oneLine(params.thread_id, 200)}</bdi>.
      <button class="plain" onClick=${() => change({ thread_id: "" })}>Show all spans</button></p>`}
    <${ListBar} of="spans" params=${params} change=${change} sorts=${SORTS} problem=${problem} label="Search names and ids"
      boxes=${[["errors", "With errors"], ["calls", "Model requests"]]} placeholder=${'Filter  f   name contains "tool" and duration_ms > 5s'}
      values=${(field) => VALUES[field] ?? seen(field)} />
    ${
      error && !problem
        ? html`<${Failed} error=${error} again=${again} />`
        : !data && !error
          ? html`<${Loading} what="spans" />`
          : !items.length && !problem
            ? html`<${Empty} title="No span matches"><p><a href=${linkTo("spans", { project: params.project })}>Show all spans</a></p></${Empty}>`
            : items.length > 0 && html`<${List} items=${items} everyProject=${question.project === "*"} />`
    }
    ${More}
  </main>`;
}

const List = ({ items, everyProject }) => html`<div class="scroll" tabindex="0" role="region" aria-label="Spans"><table class="simple">
  <thead><tr><th>Span</th>${everyProject && html`<th>Project</th>`}<th>Thread</th><th>Status</th><th>Kind</th><th>Service</th><th>Model</th>
    <th class="right">Duration</th><th class="right">Tokens</th><th class="right">Cost</th><th class="right">Start</th></tr></thead>
  <tbody>${items.map((one) => html`<${Line} key=${one.project + one.trace_id + one.span_id} span=${one} everyProject=${everyProject} />`)}</tbody>
</table></div>`;

function Line({ span, everyProject }) {
  const { project, trace_id: traceId, thread_id: threadId } = span;
  const failed = span.status_code === "error";
  return html`<tr class=${failed ? "has-error" : ""}>
    <td><span class="kind type-${span.type ?? "other"}"><${Icon} name=${span.type ?? "other"} size=${13} /></span> <a
        href=${linkTo("trace", { trace_id: traceId, project, thread_id: threadId, span: span.span_id })} title=${span.span_id}><bdi>${
          oneLine(span.name || span.span_id, 80)}</bdi></a></td>
    ${everyProject && html`<td><bdi>${oneLine(project, 60)}</bdi></td>`}
    <td>${threadId ? html`<a href=${linkTo("thread", { project, thread_id: threadId })}><bdi>${oneLine(threadId, 60)}</bdi></a>`
      : html`<span class="faint">none</span>`}</td>
    <td title=${oneLine(span.status_message, 1000)}>${failed ? html`<span class="bad"><${Icon} name="error" size=${12} /> ${
      oneLine(span.status_message, 60) || "error"}</span>` : html`<span class="faint">${span.status_code}</span>`}</td>
    <td>${span.type ?? html`<span class="faint">${span.kind}</span>`}</td>
    <td><bdi>${oneLine(span.service_name ?? "", 60)}</bdi></td><td><bdi>${oneLine(span.model ?? "", 60)}</bdi></td>
    <td class="right" title="${number(span.duration_ms)} ms">${duration(span.duration_ms)}</td>
    <td class="right">${span.usage ? short(span.usage.total_tokens) : ""}</td>
    <td class="right">${span.usage || span.cost_usd !== null ? usd(span.cost_usd) : ""}</td>
    <td class="right" title=${exact(span.start_time)}>${when(span.start_time)}</td></tr>`;
}
