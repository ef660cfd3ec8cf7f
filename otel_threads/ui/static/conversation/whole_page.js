// The page of a whole thread: its traces as one tree, agents and tools, prompts, two turns compared.
import { get, getExact } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, duration, number, oneLine, short, usd } from "../lib/format.js";
import { html, useEffect, useId, useMemo, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { Empty, Failed, Loading } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";
import { Rows } from "../trace/rows.js";
import { treeOf, visible } from "../trace/tree.js";
import { callsOf, difference, graphOf, growthOf, textOf, together } from "./whole.js";

const TRACES_MAX = 60; // read one by one; a longer thread is shown by its first ones
const VIEWS = { spans: "All spans", calls: "Agents and tools", prompts: "Prompts", compare: "Compare" };

async function tracesOf({ project, thread_id: threadId }, signal) {
  const page = await get("/traces", { project, thread_id: threadId, sort: "start_time", limit: TRACES_MAX, with_total: true }, signal);
  const traces = [];
  for (const { trace_id: traceId } of page.items) traces.push(await getExact(`/traces/${traceId}`, { project }, signal));
  return { traces, total: page.total };
}

/** The page. */
export function WholePage({ params }) {
  const key = { project: params.project, thread_id: params.thread_id };
  const { data, error, again } = useAnswer((signal) => tracesOf(key, signal), key);
  const view = VIEWS[params.view] ? params.view : "spans";
  const about = { ...key, list: params.list }; // what the addresses of all ways from here carry
  const back = linkTo("thread", about);
  useKeys({ Escape: () => (location.hash = back) });
  return html`<main id="main" class="whole-page">
    <header class="pagehead"><a href=${back} class="button" title="Conversation  Esc"><${Icon} name="left" size=${13} /> Conversation</a>
      <h1><bdi>${oneLine(params.thread_id, 200)}</bdi></h1>
      <nav class="ways" aria-label="Views">${Object.entries(VIEWS).map(([name, label]) => html`<a key=${name} class="button"
          href=${linkTo("whole", { ...about, view: name })} aria-current=${name === view ? "page" : undefined}>${label}</a>`)}</nav>
      ${data && data.total > data.traces.length && html`<span class="faint">the first ${data.traces.length} of ${count(data.total, "trace")}</span>`}
    </header>
    ${
      error
        ? html`<${Failed} error=${error} again=${again} />`
        : !data
          ? html`<${Loading} what="all traces of the thread" />`
          : html`<${View} view=${view} traces=${data.traces} about=${about} params=${params} />`
    }
  </main>`;
}

function View({ view, traces, about, params }) {
  if (!traces.length) return html`<${Empty} title="This thread has no trace yet" />`;
  switch (view) {
    case "calls":
      return html`<${Calls} traces=${traces} />`;
    case "prompts":
      return html`<${Prompts} traces=${traces} about=${about} />`;
    case "compare":
      return html`<${Compare} about=${about} params=${params} />`;
    default:
      return html`<${AllSpans} traces=${traces} about=${about} />`;
  }
}

function AllSpans({ traces, about }) {
  const { nodes, length } = useMemo(() => treeOf(together(traces)), [traces]);
  const [folded, setFolded] = useState(() => new Set());
  const [selected, setSelected] = useState(null);
  const rows = useMemo(() => visible(nodes, folded), [nodes, folded]);
  const fold = ({ span }) => {
    const next = new Set(folded);
    if (!next.delete(span.span_id)) next.add(span.span_id);
    setFolded(next);
  };
  const at = rows.findIndex((one) => one.span.span_id === selected);
  const step = (by) => () => setSelected(rows[Math.max(0, Math.min(rows.length - 1, at + by))].span.span_id);
  const open = ({ span }) => {
    if (span.span_id === `trace-${span.trace_id}`) fold({ span });
    else go("trace", { ...about, trace_id: span.trace_id, span: span.span_id });
  };
  useKeys({ j: step(1), k: step(-1), ArrowDown: step(1), ArrowUp: step(-1), Enter: () => (at >= 0 ? open(rows[at]) : false) });
  return html`<div class="columns"><${Rows} rows=${rows} length=${length} selected=${selected} folded=${folded} matches=${new Set()}
      find="" pick=${open} fold=${fold} narrow=${innerWidth < 720} /></div>`;
}

function Calls({ traces }) {
  const calls = useMemo(() => callsOf(traces), [traces]);
  const graph = useMemo(() => graphOf(calls), [calls]);
  if (!calls.length) return html`<${Empty} title="No agent, tool or model was called" />`;
  const most = Math.max(...calls.map((one) => one.count));
  return html`<div class="page"><div class="scroll" tabindex="0" role="region" aria-label="Graph of calls">
    <svg class="graph" width=${graph.width} height=${graph.height} role="img" aria-label="${count(graph.nodes.length, "participant")}, ${count(calls.length, "kind of call", "kinds of calls")}">
      ${graph.edges.map(({ from, to, count: times, errors }, i) => html`<path key=${i} class=${errors ? "bad" : ""} stroke-width=${1 + (times / most) * 4}
          d="M${from.x + 180},${from.y + 16} C${from.x + 205},${from.y + 16} ${to.x - 25},${to.y + 16} ${to.x},${to.y + 16}" />`)}
      ${graph.nodes.map((node) => html`<g key=${node.name} class="type-${node.kind}" transform="translate(${node.x} ${node.y})"><title>${oneLine(node.name, 300)}</title>
        <rect width="180" height="32" rx="6" class=${node.errors ? "bad" : ""} /><text x="10" y="20">${oneLine(node.name, 24)}</text></g>`)}
    </svg></div>
    <div class="scroll" tabindex="0" role="region" aria-label="Calls"><table class="simple"><thead><tr><th>Caller</th><th>Called</th><th>Kind</th><th
        class="right">Calls</th><th class="right">Errors</th><th class="right">Time</th><th class="right">Each</th></tr></thead>
      <tbody>${calls.map((one) => html`<tr key=${JSON.stringify([one.caller, one.callee, one.kind])}><td><bdi>${oneLine(one.caller, 80)}</bdi></td><td><bdi>${oneLine(one.callee, 80)}</bdi></td>
        <td class="type-${one.kind}"><span class="kind"><${Icon} name=${one.kind} size=${13} /></span> ${one.kind}</td><td class="right">${number(one.count)}</td>
        <td class="right">${one.errors ? html`<span class="bad">${number(one.errors)}</span>` : "0"}</td><td class="right">${duration(one.total_ms)}</td>
        <td class="right">${duration(one.total_ms / one.count)}</td></tr>`)}</tbody></table></div></div>`;
}

function Prompts({ traces, about }) {
  const growth = useMemo(() => growthOf(traces), [traces]);
  if (!growth.length) return html`<${Empty} title="No model request says what it was asked" />`;
  return html`<div class="page"><div class="scroll" tabindex="0" role="region" aria-label="Prompts"><table class="simple"><thead><tr><th>Request</th><th
      class="right">Messages</th><th class="right">Input tokens</th><th class="right">Cost</th><th>Gained</th></tr></thead>
    <tbody>${growth.map(({ span, messages, gained, kept }, i) => html`<tr key=${span.span_id}><td><a href=${linkTo("trace", { ...about, trace_id: span.trace_id, span: span.span_id })}>${i + 1}. <bdi>${oneLine(span.model ?? span.name, 60)}</bdi></a></td><td class="right">${number(messages)}</td><td
        class="right">${short(span.usage?.input_tokens)}</td><td class="right">${usd(span.cost_usd)}</td>
      <td class="words">${!kept && i > 0 && html`<p class="faint">The earlier messages are not in it as they were.</p>`}${gained.map((one, n) => html`<p key=${n}
          dir="auto"><b>${oneLine(one?.role ?? "", 20)}</b> ${oneLine(wordsOf(one), 160)}</p>`)}</td></tr>`)}</tbody></table></div></div>`;
}

function wordsOf(message) {
  const { content, parts } = message ?? {};
  const all = Array.isArray(parts) ? parts : Array.isArray(content) ? content : [content];
  return all.map((one) => (typeof one === "string" ? one : (one?.text ?? one?.content ?? `[${one?.type ?? "…"}]`))).join(" ");
}

function Compare({ about, params }) {
  const ids = [useId(), useId(), useId()];
  const other = params.other || about.thread_id;
  const [left, setLeft] = useState(Number(params.left ?? 1));
  const [right, setRight] = useState(Number(params.right ?? (other === about.thread_id ? 2 : 1)));
  const [found, setFound] = useState({ texts: ["", ""], error: null });
  useEffect(() => {
    const stop = new AbortController();
    const read = async (threadId, turn) => {
      const page = await get("/threads/turns", { project: about.project, thread_id: threadId, first_turn: Math.max(0, turn - 1), limit: 1 }, stop.signal);
      return textOf(page.items[0]);
    };
    Promise.all([read(about.thread_id, left), read(other, right)]).then(
      (texts) => setFound({ texts, error: null }),
      (error) => error.name !== "AbortError" && setFound({ texts: ["", ""], error }),
    );
    return () => stop.abort();
  }, [about.thread_id, other, left, right]);
  const shown = difference(...found.texts);
  const number_ = (value, set) => ({ type: "number", min: "1", value, onInput: (e) => set(Math.max(1, Number(e.target.value) || 1)) });
  return html`<div class="page compare"><form class="filterbar plainbar" onSubmit=${(e) => {
    e.preventDefault();
    go("whole", { ...about, view: "compare", other: e.target.elements.other.value.trim(), left, right });
  }}>
    <label for=${ids[0]}>Turn</label><input id=${ids[0]} ...${number_(left, setLeft)} />
    <label for=${ids[1]}>with turn</label><input id=${ids[1]} ...${number_(right, setRight)} />
    <label for=${ids[2]}>of thread</label><input id=${ids[2]} name="other" value=${other} maxlength="1000" /><button>Compare</button>
    <span role="status" class="faint">${shown.first === null ? "They are the same." : `They differ from line ${shown.first + 1} on.`}</span></form>
    ${found.error && html`<p class="bad" role="alert">${found.error.message}</p>`}
    <div class="sides">${[shown.left, shown.right].map((lines, i) => html`<section key=${i} aria-label=${i ? "Right" : "Left"} dir="auto">${lines.map((line, n) => html`<p key=${n}
        class=${shown.first === null || n < shown.first ? "same" : n === shown.first ? "differs" : ""}>${n === shown.first ? html`<mark>${line || " "}</mark>` : line}</p>`)}</section>`)}</div></div>`;
}
