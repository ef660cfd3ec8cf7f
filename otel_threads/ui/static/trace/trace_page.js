// The page of one trace: tree and waterfall, and the span that is selected.
import { getExact } from "../lib/api.js";
import { useAnswer, useRested } from "../lib/ask.js";
import { count, duration, exact, number, oneLine, when } from "../lib/format.js";
import { html, useEffect, useMemo, useRef, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { Copy, Failed, Loading } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";
import { Comments } from "../annotations/comments.js";
import { Scores } from "../annotations/scores.js";
import { Tags } from "../annotations/tags.js";
import { Fold } from "../conversation/message.js";
import { Sums } from "../threads/columns.js";
import { listOf } from "../threads/selection.js";
import { useNarrow } from "../threads/table.js";
import { Rows } from "./rows.js";
import { SpanPanel } from "./span.js";
import { found, treeOf, typeOf, visible, wordsOf } from "./tree.js";

/** The page. */
export function TracePage({ params }) {
  const asked = { project: params.project };
  const {
    data: trace,
    error,
    again,
  } = useAnswer(
    (signal) => getExact(`/traces/${encodeURIComponent(params.trace_id ?? "")}`, asked, signal),
    [params.trace_id, params.project],
  );
  if (error) {
    return html`<main id="main" class="page">${error.status === 404 ? html`<div
        class="empty"><h2>This trace is not here</h2><p><code>${oneLine(params.trace_id, 100)}</code></p><p><a
        href=${linkTo("threads", listOf(params))}>Back to the threads</a></p></div>` : html`<${Failed} error=${error} again=${again} />`}</main>`;
  }
  if (!trace || trace.trace_id !== params.trace_id?.toLowerCase())
    return html`<main id="main" class="page"><${Loading} what="the trace" /></main>`;
  return html`<${Trace} key=${trace.trace_id} trace=${trace} params=${params} again=${again} />`;
}

function Trace({ trace, params, again }) {
  const { nodes, length } = useMemo(() => treeOf(trace.spans), [trace]);
  const [folded, setFolded] = useState(() => new Set());
  const [text, setText] = useState("");
  const [tab, setTab] = useState("io");
  const narrow = useNarrow();
  const find = useRested(text, 150);
  const search = useRef();
  const hits = useMemo(() => found(nodes, find), [nodes, find]);
  const matches = useMemo(() => new Set(hits), [hits]);
  const [chosen, setChosen] = useState(() => new Set());
  const rows = useMemo(
    () => visible(nodes, folded).filter((n) => !chosen.size || chosen.has(typeOf(n.span))),
    [nodes, folded, chosen],
  );
  const failed = useMemo(
    () => nodes.filter((n) => n.span.status_code === "error").map((n) => n.index),
    [nodes],
  );
  const kinds = useMemo(() => [...new Set(nodes.map((n) => typeOf(n.span)))], [nodes]);
  const selected = params.span && nodes.some((n) => n.span.span_id === params.span) ? params.span : null;
  const node = nodes.find((n) => n.span.span_id === selected);
  const pick = (one) => go("trace", { ...params, span: one.span.span_id }, { replace: true });
  const fold = (one) => {
    const next = new Set(folded);
    if (!next.delete(one.span.span_id)) next.add(one.span.span_id);
    setFolded(next);
  };
  const reveal = (index) => {
    const above = new Set();
    for (let at = nodes[index].parent; at >= 0; at = nodes[at].parent) above.add(nodes[at].span.span_id);
    if ([...above].some((id) => folded.has(id)))
      setFolded(new Set([...folded].filter((id) => !above.has(id))));
    pick(nodes[index]);
  };
  const jump = (indexes, by) => {
    if (!indexes.length) return;
    const here = node?.index ?? -1;
    const next =
      by > 0
        ? (indexes.find((i) => i > here) ?? indexes[0])
        : ([...indexes].reverse().find((i) => i < here) ?? indexes.at(-1));
    reveal(next);
  };
  useEffect(() => {
    if (hits.length && !(node && matches.has(node.index))) reveal(hits[0]);
  }, [hits]);
  const at = rows.indexOf(node);
  const step = (by) => () => pick(rows[Math.max(0, Math.min(rows.length - 1, at + by))]);
  const inTree = (act) => (e) =>
    e.target.closest("[role=tree]") || e.target === document.body ? act() : false;
  const back = params.thread_id
    ? linkTo("thread", {
        project: params.project ?? trace.project,
        thread_id: params.thread_id,
        turn: params.turn,
        list: params.list,
      })
    : trace.thread_id
      ? linkTo("thread", { project: trace.project, thread_id: trace.thread_id, list: params.list })
      : linkTo("loose", {});
  const leave = () => (location.hash = back);
  useKeys({
    j: step(1),
    k: step(-1),
    ArrowDown: inTree(step(1)),
    ArrowUp: inTree(step(-1)),
    ArrowRight: inTree(() => (node && folded.has(selected) ? fold(node) : step(1)())),
    ArrowLeft: inTree(() =>
      node?.children && !folded.has(selected)
        ? fold(node)
        : node && node.parent >= 0
          ? pick(nodes[node.parent])
          : null,
    ),
    "/": () => search.current.focus(),
    n: () => jump(hits, 1),
    N: () => jump(hits, -1),
    e: () => jump(failed, 1),
    E: () => jump(failed, -1),
    t: leave,
    T: leave,
    Escape: () => (selected ? go("trace", { ...params, span: "" }, { replace: true }) : leave()),
  });
  const parents = nodes.filter((n) => n.children);
  useEffect(() => {
    const words = params.span ? null : wordsOf(trace);
    if (words) go("trace", { ...params, span: words }, { replace: true });
  }, []);
  const toggle = (kind) => {
    const next = new Set(chosen);
    if (!next.delete(kind)) next.add(kind);
    setChosen(next);
  };
  return html`<main id="main" class="trace-page ${node ? "with-span" : ""}">
    <header class="pagehead">
      <a href=${back} class="button" title="Conversation  T"><${Icon} name="left"
          size=${13} /> ${params.thread_id || trace.thread_id ? "Conversation" : "Traces"}</a>
      <h1><bdi title=${oneLine(trace.name, 1000)}>${oneLine(trace.name || "(no name)", 150)}</bdi></h1><code
          class="faint">${trace.trace_id.slice(0, 8)}</code><${Copy} label="" what="Copy the trace id" text=${trace.trace_id} />
      <span class="summary"><span>${count(trace.span_count, "span")}</span><span
          title="${number(trace.duration_ms)} ms">${duration(trace.duration_ms)}</span><span
          title=${exact(trace.start_time)}>${when(trace.start_time)}</span>
        <${Sums} of=${trace} />
        ${trace.error_count > 0 && html`<span class="bad"><${Icon} name="error"
            size=${12} /> ${count(trace.error_count, "error")}</span>`}</span>
    </header>
    <div class="toolbar" role="search">
      <label class="unseen" for="find-span">Search spans</label>
      <input id="find-span" ref=${search} type="search" placeholder="Search spans  /" value=${text}
          onInput=${(e) => setText(e.target.value)}
        onKeyDown=${(e) => e.key === "Enter" && jump(hits, e.shiftKey ? -1 : 1)} />
      ${find && html`<span class="faint" role="status">${count(hits.length, "match", "matches")}</span><button
          onClick=${() => jump(hits, -1)} aria-label="Previous match" disabled=${!hits.length}>↑</button><button
          onClick=${() => jump(hits, 1)} aria-label="Next match" disabled=${!hits.length}>↓</button>`}
      ${failed.length > 0 && html`<button class="bad" onClick=${() => jump(failed, 1)} title="Next error  e"><${Icon}
          name="error" size=${12} /> Next error</button>`}
      <button onClick=${() => setFolded(new Set(parents.filter((n) => n.depth > 0).map((n) => n.span.span_id)))}>Fold all</button>
      <button onClick=${() => setFolded(new Set())}>Unfold all</button>
      <span class="legend" role="group" aria-label="Only spans of a kind">${kinds.map((kind) => html`<button key=${kind}
          class="plain type-${kind}" aria-pressed=${chosen.has(kind)} onClick=${() => toggle(kind)}><span class="kind"><${Icon}
          name=${kind} size=${13} /></span> ${kind}</button>`)}</span>
    </div>
    <div class="columns">
      <${Rows} rows=${rows} length=${length} selected=${selected} folded=${folded} matches=${matches} find=${find} pick=${pick}
          fold=${fold} narrow=${narrow || Boolean(node && innerWidth < 1100)} />
      <div class="detail">${node ? html`<${SpanPanel} span=${node.span} tab=${tab} setTab=${setTab} onChange=${again}
          onClose=${() => go("trace", { ...params, span: "" }, { replace: true })} />` : html`<${About} trace=${trace}
          again=${again} />`}</div>
    </div>
  </main>`;
}

// What is said of the trace as a whole, while no span is selected.
function About({ trace, again }) {
  const target = { project: trace.project, trace_id: trace.trace_id };
  return html`<section aria-label="About this trace" class="abouttrace">
    <p class="faint">Select a span to see what it holds.</p>
    <dl class="facts"><dt>Project</dt><dd><bdi>${oneLine(trace.project, 100)}</bdi></dd><dt>Threads</dt>
    <dd>${trace.thread_ids.length ? trace.thread_ids.slice(0, 20).map((id) => html`<div key=${id}><a
        href=${linkTo("thread", { project: trace.project, thread_id: id })}><bdi>${oneLine(id, 100)}</bdi></a></div>`)
          : html`none <a href=${linkTo("loose")}>Why?</a>`}</dd>
      <dt>Id found in</dt><dd><code>${oneLine(trace.thread_id_source ?? "–", 120)}</code></dd></dl>
    <${Scores} target=${target} onChange=${again} />
    <${Tags} tags=${trace.tags} target=${{ project: trace.project, trace_ids: [trace.trace_id] }} onChange=${again} />
    <${Comments} target=${target} onChange=${again} />
    <section class="block"><${Fold} label="Raw JSON, without spans"><${TraceJson} trace=${trace} /></${Fold}></section>
  </section>`;
}

function TraceJson({ trace }) {
  const { spans, turns, ...rest } = trace;
  return html`<pre class="plaintext mono">${JSON.stringify(rest, null, 2)}</pre>`;
}
