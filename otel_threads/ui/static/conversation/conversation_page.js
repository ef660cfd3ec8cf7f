// The page of one conversation.
import { follow, get, post, text } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, duration, number, oneLine } from "../lib/format.js";
import { html, useCallback, useEffect, useMemo, useRef, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { kept, keep } from "../lib/keep.js";
import { useKeys } from "../lib/keys.js";
import { Confirm, Copy, Failed, Loading, attempt } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";
import { Status, Sums } from "../threads/columns.js";
import { useNeighbours } from "../threads/neighbours.js";
import { listOf } from "../threads/selection.js";
import { Side } from "./side.js";
import { Turn } from "./turn.js";

const TURNS_LIMIT = 30;

/** Return the loaded turns of a thread; more come when asked for. */
function useTurns(key) {
  const [state, setState] = useState({ items: [], cursor: null, loading: true, error: null });
  const about = JSON.stringify(key);
  const latest = useRef(about);
  latest.current = about;
  const load = useCallback(
    async (upTo) => {
      setState((s) => ({ ...s, loading: true, error: null }));
      try {
        let items = [];
        let cursor = null;
        do {
          const page = await get("/threads/turns", {
            ...key,
            limit: upTo > TURNS_LIMIT ? 500 : TURNS_LIMIT,
            cursor,
          });
          items = [...items, ...page.items];
          cursor = page.next_cursor;
        } while (cursor && items.length < upTo);
        if (latest.current === about) setState({ items, cursor, loading: false, error: null });
      } catch (error) {
        if (latest.current === about) setState((s) => ({ ...s, loading: false, error }));
      }
    },
    [about],
  );
  const more = useCallback(async () => {
    if (!state.cursor || state.loading) return;
    setState((s) => ({ ...s, loading: true }));
    try {
      const page = await get("/threads/turns", { ...key, limit: TURNS_LIMIT, cursor: state.cursor });
      if (latest.current === about)
        setState((s) => ({
          items: [...s.items, ...page.items],
          cursor: page.next_cursor,
          loading: false,
          error: null,
        }));
    } catch (error) {
      setState((s) => ({ ...s, loading: false, error }));
    }
  }, [state, about]);
  return { ...state, load, more };
}

/** The page. */
export function ConversationPage({ params, projects, reloadProjects }) {
  const key = { project: params.project, thread_id: params.thread_id };
  const about = JSON.stringify(key);
  const thread = useAnswer((signal) => get("/threads/get", key, signal), key);
  const turns = useTurns(key);
  const [version, setVersion] = useState(0);
  const [raw, setRaw] = useState(false);
  const [panel, setPanel] = useState(() => kept("panel", innerWidth > 1000));
  const [deleting, setDeleting] = useState(false);
  const scroller = useRef();
  const neighbours = useNeighbours(key, listOf(params));
  const project = projects.find((one) => one.project === params.project);
  const wanted = params.turn ? Number(params.turn) - 1 : -1;

  useEffect(() => {
    turns.load(Math.max(TURNS_LIMIT, wanted + 1));
    scroller.current?.scrollTo(0, 0);
  }, [about]);
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    follow(
      params.project,
      {
        state: () => {},
        deleted: () => {},
        missed: () => latestChanged.current(),
        thread: (changed) => {
          if (changed.thread_id !== params.thread_id || changed.project !== params.project) return;
          thread.set(() => changed);
          setVersion((n) => n + 1); // a score or a comment may be what changed
          clearTimeout(timer);
          timer = setTimeout(() => latestTurns.current(), 300);
        },
      },
      stop.signal,
    );
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [about]);
  const latestTurns = useRef(() => {});
  const latestChanged = useRef(() => {});
  latestTurns.current = () => turns.load(Math.max(TURNS_LIMIT, turns.items.length + (turns.cursor ? 0 : 1)));
  const scrolledTo = useRef(null);
  useEffect(() => {
    if (wanted < 0 || scrolledTo.current === `${about}${wanted}`) return;
    const element = document.getElementById(`turn-${wanted}`);
    if (!element) return;
    scrolledTo.current = `${about}${wanted}`;
    element.scrollIntoView({ block: "start" });
    element.focus({ preventScroll: true });
  }, [wanted, turns.items, about]);

  const changed = useCallback(() => {
    thread.again();
    setVersion((n) => n + 1);
    latestTurns.current();
  }, [about]);
  latestChanged.current = changed;
  const show = (index) =>
    turns.items[index] && go("thread", { ...params, turn: index + 1 }, { replace: true });
  const listLink = linkTo("threads", listOf(params));
  const traceLink = useCallback(
    (turn, trace_id) =>
      linkTo("trace", {
        trace_id,
        project: turn.project,
        thread_id: turn.thread_id,
        span: trace_id === turn.trace_ids[0] ? turn.span_id : "",
        turn: turn.turn_index + 1,
        list: params.list,
      }),
    [params.list],
  );
  const toTrace = () => {
    const turn = turns.items[Math.max(0, wanted)];
    if (turn) location.hash = traceLink(turn, turn.trace_ids[0]);
  };
  const togglePanel = () => {
    setPanel(!panel);
    keep("panel", !panel);
  };
  useKeys({
    j: () => show(Math.min(turns.items.length - 1, wanted + 1)),
    k: () => show(Math.max(0, wanted - 1)),
    "]": () => neighbours.next && neighbours.open(neighbours.next),
    "[": () => neighbours.previous && neighbours.open(neighbours.previous),
    t: toTrace,
    T: toTrace,
    i: togglePanel,
    Escape: () => (location.hash = listLink),
  });
  const paths = useMemo(
    () => ({ input_path: project?.input_path ?? null, output_path: project?.output_path ?? null }),
    [project],
  );

  if (thread.error?.status === 404)
    return html`<main id="main" class="page"><div class="empty"><h2>This thread is not here</h2><p>
    <bdi>${oneLine(params.thread_id, 200)}</bdi> in project <bdi>${oneLine(params.project, 100)}</bdi></p><p><a
        href=${listLink}>Back to the threads</a></p></div></main>`;
  if (thread.error)
    return html`<main id="main"><${Failed} error=${thread.error} again=${thread.again} /></main>`;
  const data = thread.data;
  return html`<main id="main" class="conversation-page ${panel ? "with-side" : ""}">
    <header class="pagehead">
      <a href=${listLink} class="button" title="Back to the threads  Esc"><${Icon} name="left" size=${13} /> Threads</a>
      <button disabled=${!neighbours.previous} onClick=${() => neighbours.open(neighbours.previous)} title="Previous thread  ["
          aria-label="Previous thread">↑</button>
      <button disabled=${!neighbours.next} onClick=${() => neighbours.open(neighbours.next)} title="Next thread  ]"
          aria-label="Next thread">↓</button>
      <h1><bdi title=${oneLine(params.thread_id, 1000)}>${oneLine(params.thread_id, 200)}</bdi></h1>
      <${Copy} label="" what="Copy the thread id" text=${params.thread_id} />
      ${
        data &&
        html`<${Status} status=${data.status} />
        <span class="summary"><span>${count(data.turn_count, "turn")}</span><span
            title="${number(data.duration_ms)} ms">${duration(data.duration_ms)}</span>
          <${Sums} of=${data} />
          ${data.error_count > 0 && html`<span class="bad"><${Icon} name="error"
              size=${12} /> ${count(data.error_count, "error")}</span>`}</span>`
      }
      <span class="end">
        <button aria-pressed=${raw} onClick=${() => setRaw(!raw)} title="Show texts as they came, without Markdown">Plain</button>
        <${Copy} label="Copy as Markdown" text=${() => text("/threads/transcript", { ...key, format: "markdown" })} />
        <button onClick=${toTrace} title="Trace  T" disabled=${!turns.items.length}>Trace</button>
        <button onClick=${togglePanel} aria-pressed=${panel} title="Panel  i"><${Icon} name="panel" size=${14} /> Panel</button>
        <button class="danger" onClick=${() => setDeleting(true)}>Delete…</button></span>
    </header>
    <div class="columns">
      <div class="turns" ref=${scroller} tabindex="0" role="region" aria-label="Conversation"
          onScroll=${(e) => e.target.scrollHeight - e.target.scrollTop < e.target.clientHeight * 2.5 && turns.more()}>
        ${turns.items.map((turn, i) => html`<${Turn} key=${turn.turn_index} turn=${turn} system=${turns.items[i - 1]?.system}
            paths=${paths} raw=${raw} traceLink=${traceLink} isCurrent=${i === wanted}
                onChange=${latestTurnsOf(latestTurns)} />`)}
        ${turns.error && html`<${Failed} error=${turns.error} again=${() => turns.load(TURNS_LIMIT)} />`}
        ${turns.loading && html`<${Loading} what="turns" />`}
        ${turns.cursor && !turns.loading && html`<button class="more" onClick=${turns.more}>More turns</button>`}
        ${!turns.loading && !turns.error && !turns.items.length && html`<p
            class="faint nothing">This thread has no turn yet.</p>`}
      </div>
      ${panel && data && html`<${Side} thread=${data} turns=${turns.items} project=${project} changed=${changed} onProject=${reloadProjects}
          version=${version} key=${about} />`}
    </div>
    ${
      deleting &&
      html`<${Confirm} title="Delete this thread?" action="Delete"
          text="Its spans, scores, comments and tags go with it. There is no way back." onClose=${() => setDeleting(false)}
      onYes=${() =>
        attempt(async () => {
          await post("/threads/delete", { project: params.project, thread_ids: [params.thread_id] });
          neighbours.forget(key);
          location.hash = listLink;
        }, "Deleted")} />`
    }
  </main>`;
}

// One function for all turns, so that a turn is not drawn anew for another's sake.
const known = new WeakMap();
function latestTurnsOf(ref) {
  if (!known.has(ref)) known.set(ref, () => ref.current());
  return known.get(ref);
}
