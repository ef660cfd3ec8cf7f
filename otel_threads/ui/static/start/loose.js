// Traces that belong to no thread, and what doctor says about them.
import { get } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, duration, exact, number, oneLine, short, when } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { usePages } from "../lib/pages.js";
import { Copy, Empty, Failed, Loading } from "../lib/parts.js";
import { linkTo } from "../lib/route.js";

/** The page. */
export function LoosePage({ params }) {
  const doctor = useAnswer((signal) => get("/doctor", {}, signal), ["doctor"]);
  const project = params.project || "*";
  const traces = usePages("/traces", { project, without_thread: true });
  const { items, More } = traces;
  return html`<main id="main" class="page loose">
    <h1>Traces without a thread</h1>
    <p class="lead">Traces are stored also when no span of theirs names a conversation. Here is what to add, so that they become threads.</p>
    <section aria-label="Advice">
      ${
        doctor.error
          ? html`<${Failed} error=${doctor.error} again=${doctor.again} />`
          : !doctor.data
            ? html`<${Loading} what="advice" />`
            : doctor.data.findings.length
              ? doctor.data.findings.map((one, i) => html`<${Finding} key=${i} finding=${one} />`)
              : html`<p class="fine"><${Icon} name="evaluator" /> Nothing to advise: every library that was seen names its conversations.</p>`
      }
    </section>
    ${
      doctor.data?.instrumentations.length > 0 &&
      html`<h2>Libraries seen</h2><div class="scroll" tabindex="0" role="region" aria-label="Libraries seen"><table
          class="simple"><thead><tr><th>Library</th><th>Version</th><th class="right">Spans</th><th class="right">Traces</th><th
          class="right">With a thread</th><th>Id found in</th></tr></thead>
      <tbody>${doctor.data.instrumentations.map((one) => html`<tr
          key=${one.scope_name + one.scope_version}><td><bdi>${oneLine(one.scope_name || "–", 120)}</bdi></td>
          <td>${oneLine(one.scope_version, 40)}</td><td class="right">${number(one.span_count)}</td><td
              class="right">${number(one.trace_count)}</td><td
              class="right">${number(one.traces_with_thread)}</td><td>
              <code>${oneLine((one.thread_id_sources ?? []).join(", "), 200)}</code></td></tr>`)}</tbody></table></div>`
    }
    <h2>The traces ${traces.data && html`<small class="faint">${number(traces.data.total)}</small>`}</h2>
    ${
      traces.error
        ? html`<${Failed} error=${traces.error} again=${traces.again} />`
        : !traces.data
          ? html`<${Loading} what="traces" />`
          : !items.length
            ? html`<${Empty} title="None"><p>Every trace belongs to a thread.</p></${Empty}>`
            : html`<div class="scroll" tabindex="0" role="region" aria-label="Traces"><table
                class="simple"><thead><tr><th>Trace</th><th>Project</th><th>First message</th><th class="right">Spans</th><th
                class="right">Errors</th><th class="right">Tokens</th><th class="right">Duration</th><th
                class="right">Start</th></tr></thead>
        <tbody>${items.map(
          (
            trace,
          ) => html`<tr key=${trace.project + trace.trace_id}><td><a
              href=${linkTo("trace", { trace_id: trace.trace_id, project: trace.project })}>
              <bdi>${oneLine(trace.name || trace.trace_id, 80)}</bdi></a></td><td><bdi>${oneLine(trace.project, 60)}</bdi></td>
              <td class="words" dir="auto">${oneLine(trace.first_message, 120)}</td>
          <td class="right">${number(trace.span_count)}</td><td
              class="right">${trace.error_count ? html`<span class="bad">${number(trace.error_count)}</span>` : "0"}</td><td
              class="right">${short(trace.usage.total_tokens)}</td><td class="right">${duration(trace.duration_ms)}</td><td
              class="right" title=${exact(trace.start_time)}>${when(trace.start_time)}</td></tr>`,
        )}</tbody></table></div>`
    }
    ${More}
  </main>`;
}

const TITLES = {
  nothing_arrived: "Nothing arrived",
  refused_requests: "Requests were refused",
  scrubbed_id: "The id was scrubbed",
  placeholder_id: "A placeholder is no id",
  no_thread_id: "No thread id",
  no_content: "No content",
  double_instrumentation: "Instrumented twice",
  clock: "Clocks",
};

const Finding = ({ finding }) => html`<article class="finding">
  <h2><${Icon} name="error" size=${15} /> ${TITLES[finding.kind] ?? finding.kind}${finding.library &&
    html`: <bdi>${oneLine(finding.library, 100)}</bdi>`}</h2>
  <p>${finding.summary}</p>
  ${finding.fix && html`<div class="code"><pre tabindex="0"><code>${finding.fix}</code></pre><${Copy}
      text=${finding.fix} /></div>`}
  ${finding.note && html`<p class="faint">${finding.note}</p>`}
  ${finding.trace_ids.length > 0 && html`<p class="faint">For example ${finding.trace_ids.slice(0, 3).map((id, i) =>
    html`${i ? ", " : ""}<a key=${id} href=${linkTo("trace", { trace_id: id })}>
    <code>${id.slice(0, 8)}</code></a>`)} ${finding.trace_ids.length > 3
      ? `and ${count(finding.trace_ids.length - 3, "more", "more")}` : ""}</p>`}
</article>`;
