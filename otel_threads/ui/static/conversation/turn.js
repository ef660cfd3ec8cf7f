// One turn: what the user said and everything until the assistant's answer.
import { get } from "../lib/api.js";
import { clock, count, duration, exact, number, oneLine, short, usd } from "../lib/format.js";
import { html, memo, useEffect, useMemo, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { Json } from "../lib/json.js";
import { linkTo } from "../lib/route.js";
import { ScoreChip, THUMB, Thumbs } from "../annotations/scores.js";
import { TraceOf } from "./media_part.js";
import { ErrorBox, Fold, Message, Words } from "./message.js";
import { sourceOf, valueAt } from "./paths.js";

/** Return a function that finds the result of a requested call: by its id, else in order. */
function resultsOf(turn) {
  const left = [...turn.tool_calls];
  return (call) => {
    let at = left.findIndex((one) => call.id && one.id === call.id);
    if (at < 0) at = left.findIndex((one) => one.name === call.name && !(call.id && one.id));
    if (at < 0) return { ...call, result: null, error: null };
    return { ...call, ...left.splice(at, 1)[0] };
  };
}

/** A turn. `system` is that of the turn before, so that it is shown once. */
export const Turn = memo(function Turn({ turn, system, paths, raw, list, traceLink, isCurrent, marked, onChange }) {
  const results = resultsOf(turn);
  const joined = new Set(turn.messages.flatMap((m) => m.tool_calls.map((c) => c.id)).filter(Boolean));
  const asked = turn.messages.some((m) => m.tool_calls.length);
  const shown = turn.messages.filter(
    (m) =>
      m.role !== "system" && !(m.role === "tool" && (m.tool_call_id ? joined.has(m.tool_call_id) : asked)),
  );
  const target = { project: turn.project, trace_id: turn.trace_ids[0], span_id: turn.span_id };
  const place = useMemo(() => ({ project: turn.project, trace_id: turn.trace_ids[0] }), [turn.project, turn.trace_ids[0]]);
  const own = turn.scores.filter((s) => s.span_id === turn.span_id || s.span_id === null);
  const messages = html`${shown.map((message) => {
    const index = turn.messages.indexOf(message);
    return html`<${Message} key=${index} message=${message} results=${results} raw=${raw}
        id="turn-${turn.turn_index}-message-${index}" isMarked=${index === marked} link=${turnLink(turn, { message: index + 1, list })} />`;
  })}`;
  return html`<${TraceOf.Provider} value=${place}><article class="turn ${isCurrent ? "current" : ""} ${turn.error ? "has-error" : ""}" id="turn-${turn.turn_index}"
      aria-label="Turn ${turn.turn_index + 1}" tabindex="-1">
    <header>
      <h3><a href=${turnLink(turn, { list })} title="Link to this turn">Turn ${turn.turn_index + 1}</a></h3>
      <time title=${exact(turn.start_time)}>${clock(turn.start_time)}</time>
      <${Fact} title="Duration: ${number(turn.duration_ms)} ms">${duration(turn.duration_ms)}</${Fact}>
      ${turn.time_to_first_token_ms !== null && html`<${Fact}
          title="Time to first token">first token ${duration(turn.time_to_first_token_ms)}</${Fact}>`}
      ${turn.models.length > 0 && html`<${Fact} title="Models"><bdi>${oneLine(turn.models.join(", "), 80)}</bdi></${Fact}>`}
      ${turn.usage.total_tokens !== null && html`<${Fact} title=${`${number(turn.usage.input_tokens)} in, ${number(turn.usage.output_tokens)} out, ${number(turn.usage.cache_read_tokens)} from cache`}>${count(turn.usage.total_tokens, "token", "tokens", short)}</${Fact}>`}
      ${turn.cost_usd !== null && html`<${Fact} title=${`$${turn.cost_usd}, ${turn.cost_source}`}>${usd(turn.cost_usd)}</${Fact}>`}
      ${turn.call_count > 1 && html`<${Fact} title="Model requests">${count(turn.call_count, "call")}</${Fact}>`}
      ${own.filter((s) => s.name !== THUMB).map((score) => html`<${ScoreChip} key=${score.name + score.span_id}
          score=${score} />`)}
      <span class="end"><${Thumbs} target=${target} scores=${own} what="turn ${turn.turn_index + 1}" onChange=${onChange} />
        ${turn.trace_ids.map((trace_id, i) => html`<a key=${trace_id} class="button" href=${traceLink(turn, trace_id)}
            title=${trace_id}>Trace${turn.trace_ids.length > 1 ? ` ${i + 1}` : ""}</a>`)}</span>
    </header>
    ${turn.system && turn.system !== system && html`<${Fold} className="system" icon="prompt" label="System prompt"><${Words}
        text=${turn.system} raw=${raw} /></${Fold}>`}
    ${
      paths.input_path || paths.output_path
        ? html`<${Chosen} turn=${turn} paths=${paths} raw=${raw} /><${Fold}
            label="All ${count(shown.length, "message")} of the turn">${messages}</${Fold}>`
        : messages
    }
    ${turn.error && html`<${ErrorBox} error=${turn.error} />`}
    ${!shown.length && !turn.error && html`<p class="faint nothing">The spans of this turn hold no message. <a
        href="#/loose">Why?</a></p>`}
  </article></${TraceOf.Provider}>`;
});

const turnLink = ({ project, thread_id: threadId, turn_index: index }, more) =>
  linkTo("thread", { project, thread_id: threadId, turn: index + 1, ...more });

const Fact = ({ title, children }) => html`<span class="fact" title=${title}>${children}</span>`;

// What the project's paths point at, instead of the messages.
function Chosen({ turn, paths, raw }) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    get(`/traces/${turn.trace_ids[0]}`, { project: turn.project }, stop.signal).then(
      (trace) => setFound({ source: sourceOf(turn, trace) }),
      (error) => error.name !== "AbortError" && setFound({ error }),
    );
    return () => stop.abort();
  }, [turn.trace_ids[0], turn.span_id]);
  if (!found)
    return html`<p class="waiting"><span class="spinner" aria-hidden="true"></span>Reading the trace…</p>`;
  if (found.error) return html`<p class="bad">${found.error.message}</p>`;
  return html`${[
    ["user", "Input", paths.input_path, turn.user],
    ["assistant", "Output", paths.output_path, turn.assistant],
  ].map(([role, label, path, otherwise]) => {
    const value = path ? safely(() => valueAt(found.source, path)) : otherwise;
    return html`<div class="message ${role}" key=${role}><p class="role"><${Icon} name=${role === "user" ? "user" : "llm"}
        size=${13} /> ${label} ${path && html`<code class="faint">${oneLine(path, 80)}</code>`}</p>
      <div class="content">${
        value === undefined
          ? html`<p class="faint">Nothing stands there.</p>${otherwise && html`<${Words} text=${otherwise} raw=${raw} />`}`
          : value === null
            ? html`<p class="faint">null</p>`
            : typeof value === "string"
              ? html`<${Words} text=${value} raw=${raw} />`
              : html`<${Json} value=${value} />`
      }</div></div>`;
  })}`;
}

function safely(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}
