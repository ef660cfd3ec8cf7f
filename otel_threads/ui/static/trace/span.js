// Everything about one span.
import { duration, exact, number, oneLine, usd, when } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { Json, parsed } from "../lib/json.js";
import { Plain } from "../lib/markdown.js";
import { Copy } from "../lib/parts.js";
import { linkTo } from "../lib/route.js";
import { ErrorBox, Message, Words } from "../conversation/message.js";
import { ioOf } from "../conversation/paths.js";
import { Comments } from "../annotations/comments.js";
import { Scores } from "../annotations/scores.js";
import { typeOf } from "./tree.js";

const NO_CALL = { error: null }; // the result stands in another span

/** Return the tabs of a span: name → [label, what to draw]; those with nothing in them are left out. */
function tabsOf(span, onChange) {
  const target = { project: span.project, trace_id: span.trace_id, span_id: span.span_id };
  const some = (name, label, items, draw) => (items.length ? { [name]: [`${label} ${items.length}`, draw] } : {});
  return {
    io: ["Input and output", () => html`<${InputOutput} span=${span} />`],
    ...some("attributes", "Attributes", Object.keys(span.attributes), () => html`<${Attributes} span=${span} />`),
    ...some("events", "Events", span.events, () => html`<${Events} span=${span} />`),
    ...some("links", "Links", span.links, () => html`<${Links} span=${span} />`),
    ...some("logs", "Logs", span.logs, () => html`<${Logs} span=${span} />`),
    feedback: [
      `Feedback${span.scores.length ? ` ${span.scores.length}` : ""}`,
      () => html`<${Scores} target=${target} onChange=${onChange} /><${Comments} target=${target} />`,
    ],
    raw: ["Raw", () => html`<${Json} value=${span} label="span" />`],
  };
}

/** The panel of a span, in tabs. */
export function SpanPanel({ span, tab, setTab, onChange, onClose }) {
  const id = useId();
  const tabs = tabsOf(span, onChange);
  const names = Object.keys(tabs);
  const shown = names.includes(tab) ? tab : "io";
  const key = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    setTab(names[(names.indexOf(shown) + by + names.length) % names.length]);
    requestAnimationFrame(() => document.querySelector(`[id="${id}"] [aria-selected="true"]`)?.focus());
  };
  return html`<section class="spanpanel" aria-label="Span">
    <header class="type-${typeOf(span)}">
      <span class="kind"><${Icon} name=${typeOf(span)} /></span>
      <h2><bdi>${oneLine(span.name || "(no name)", 300)}</bdi></h2>
      <${Copy} label="" what="Copy the span id" text=${span.span_id} />
      <button class="plain end" title="Close  Esc" aria-label="Close the span" onClick=${onClose}>
        <${Icon} name="close" size=${13} /></button>
    </header>
    <${Facts} span=${span} />
    ${span.status_code === "error" && html`<${ErrorBox} error=${{ type: null, message: span.status_message || null }} />`}
    <div role="tablist" aria-label="Parts of the span" id=${id} onKeyDown=${key}>
      ${names.map(
        (name) => html`<button key=${name} role="tab" id="${id}-${name}" aria-selected=${name === shown}
          aria-controls="${id}-panel" tabindex=${name === shown ? 0 : -1}
          onClick=${() => setTab(name)}>${tabs[name][0]}</button>`,
      )}
    </div>
    <div role="tabpanel" id="${id}-panel" aria-labelledby="${id}-${shown}" class="tabpanel" tabindex="0"
      key=${span.span_id + shown}>${tabs[shown][1]()}</div>
  </section>`;
}

function Facts({ span }) {
  const tokens = span.usage && span.usage.total_tokens !== null;
  const facts = [
    ["Type", span.type ?? "–"],
    ["Duration", duration(span.duration_ms), `${number(span.duration_ms)} ms`],
    ["Start", when(span.start_time), exact(span.start_time)],
    span.model && ["Model", oneLine(span.model, 100)],
    tokens && ["Tokens", `${number(span.usage.input_tokens)} in, ${number(span.usage.output_tokens)} out`],
    span.cost_usd !== null && ["Cost", usd(span.cost_usd), `$${span.cost_usd}`],
    span.time_to_first_token_ms !== null && ["First token", duration(span.time_to_first_token_ms)],
    ["Service", oneLine(span.service_name ?? "–", 100)],
    ["Library", `${oneLine(span.scope_name || "–", 120)} ${oneLine(span.scope_version, 40)}`],
  ];
  return html`<dl class="facts inline">
    ${facts.filter(Boolean).map(
      ([name, value, title]) => html`<div key=${name} title=${title}><dt>${name}</dt> <dd><bdi>${value}</bdi></dd></div>`,
    )}
  </dl>`;
}

function InputOutput({ span }) {
  const { inputs, outputs } = ioOf(span);
  return html`${[
    ["Input", inputs],
    ["Output", outputs],
  ].map(
    ([label, value]) => html`<section key=${label} class="io"><h3>${label}</h3>
    ${value === undefined ? html`<p class="faint">The span says nothing of its ${label.toLowerCase()} in an attribute that we know.</p>` : html`<${Shown} value=${value} />`}</section>`,
  )}`;
}

// Messages as a chat where the value is a list of them; JSON on demand.
function Shown({ value }) {
  const [asJson, setAsJson] = useState(false);
  const chat = messagesOf(value);
  if (typeof value === "string") return html`<${Words} text=${value} />`;
  if (!chat) return html`<${Json} value=${value} />`;
  return html`<div><button class="plain switch" onClick=${() => setAsJson(!asJson)}>${asJson ? "as messages" : "as JSON"}</button>
    ${asJson ? html`<${Json} value=${value} depth=${5} />` : chat.map((message, i) => html`<${Message} key=${i}
        message=${message} results=${(call) => ({ ...NO_CALL, ...call })} />`)}</div>`;
}

function messagesOf(value) {
  const list = Array.isArray(value) ? value : Array.isArray(value?.messages) ? value.messages : null;
  if (!list?.length || list.length > 500) return null;
  const found = list.map((one) => {
    const { role, content, parts, tool_calls: calls } = one?.message ?? one ?? {};
    if (typeof role !== "string") return null;
    const pieces =
      [parts, content].find(Array.isArray) ?? (content === undefined || content === null ? [] : [content]);
    const kept = pieces
      .filter((p) => p?.type !== "tool_call")
      .map((p) =>
        typeof p === "string"
          ? { type: "text", text: p }
          : typeof p === "object" &&
              p &&
              typeof (p.text ?? p.content) === "string" &&
              (!p.type || p.type === "text")
            ? { type: "text", text: p.text ?? p.content }
            : p?.type === "tool_call_response"
              ? { type: "tool_result", result: p.response ?? p.result }
              : { type: "data", ...p },
      );
    const asked = [...(Array.isArray(calls) ? calls : []), ...pieces.filter((p) => p?.type === "tool_call")];
    return {
      role,
      parts: kept,
      text: null,
      tool_calls: asked.map((c) => ({
        id: c?.id ?? null,
        name: c?.function?.name ?? c?.name ?? null,
        arguments: parsed(c?.function?.arguments ?? c?.arguments ?? null),
      })),
    };
  });
  return found.every(Boolean) ? found : null;
}

function Attributes({ span }) {
  const [find, setFind] = useState("");
  const groups = [
    ["", span.attributes],
    ["Resource", span.resource_attributes],
    ["Scope", span.scope_attributes],
  ];
  const wanted = find.toLowerCase();
  return html`<div><input type="search" aria-label="Search attributes" placeholder="Search attributes" value=${find}
      onInput=${(e) => setFind(e.target.value)} />
    ${groups.map(([title, all]) => {
      const rows = Object.entries(all)
        .filter(
          ([k, v]) =>
            !wanted ||
            k.toLowerCase().includes(wanted) ||
            String(JSON.stringify(v)).toLowerCase().includes(wanted),
        )
        .sort(([a], [b]) => (a < b ? -1 : 1));
      return (
        rows.length > 0 &&
        html`<section key=${title}>${title && html`<h3>${title}</h3>`}<${Pairs} rows=${rows} /></section>`
      );
    })}</div>`;
}

const Pairs = ({ rows }) =>
  html`<dl class="attributes">${rows.map(([key, value]) => html`<dt key=${key}><bdi>${oneLine(key, 300)}</bdi></dt><dd><${Json}
      value=${parsed(value)} depth=${1} label=${oneLine(key, 60)} /></dd>`)}</dl>`;

function Events({ span }) {
  return html`<ol class="events">${span.events.map(
    (
      event,
      i,
    ) => html`<li key=${i}><p><b><bdi>${oneLine(event.name, 200)}</bdi></b> <span
        class="faint">after ${duration((event.time_unix_nano - span.start_time_unix_nano) / 1e6)}</span></p>
    ${event.attributes["exception.stacktrace"] && html`<${Plain} mono
        text=${String(event.attributes["exception.stacktrace"])} />`}
    <${Pairs} rows=${Object.entries(event.attributes).filter(([k]) => k !== "exception.stacktrace")} /></li>`,
  )}</ol>`;
}

const Links = ({ span }) =>
  html`<ol class="events">${span.links.map((link, i) => html`<li key=${i}><a
      href=${linkTo("trace", { trace_id: link.trace_id, span: link.span_id })}><code>${link.trace_id}</code></a> <code
      class="faint">${link.span_id}</code><${Pairs} rows=${Object.entries(link.attributes)} /></li>`)}</ol>`;

const Logs = ({ span }) =>
  html`<ol class="events">${span.logs.map((log, i) => html`<li
      key=${i}><p><b><bdi>${oneLine(log.event_name, 200)}</bdi></b> <span class="faint"
          title=${exact(log.time)}>${when(log.time)}</span></p><${Json} value=${log.body} /><${Pairs}
          rows=${Object.entries(log.attributes)} /></li>`)}</ol>`;
