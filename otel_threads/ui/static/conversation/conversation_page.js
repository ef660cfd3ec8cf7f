// The page of one conversation.
import { follow, get, post, text } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, duration, number, oneLine } from "../lib/format.js";
import { html, useCallback, useEffect, useMemo, useRef, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { kept, keep } from "../lib/keep.js";
import { useKeys } from "../lib/keys.js";
import { useTall } from "../lib/tall.js";
import { Confirm, Copy, Failed, Loading, Menu, attempt } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";
import { Feedback } from "../annotations/scores.js";
import { Status, Sums } from "../threads/columns.js";
import { useNeighbours } from "../threads/neighbours.js";
import { listOf } from "../threads/selection.js";
import { useMarks } from "./marks.js";
import { FindBar, Outline, Strip } from "./outline.js";
import { failedOf, nextOf } from "./places.js";
import { Side } from "./side.js";
import { Turn } from "./turn.js";
import { useTurns } from "./turns.js";

const FEW_TURNS = 5; // no outline is needed for these
const TURN_PX = 260; // as high as a turn is taken for until it is drawn
const SETTLE_MS = 300; // between changes that are told and the look at them

/** The page. */
export function ConversationPage({ params, projects, reloadProjects }) {
  const key = { project: params.project, thread_id: params.thread_id };
  const about = JSON.stringify(key);
  const thread = useAnswer((signal) => get("/threads/get", key, signal), key);
  const turns = useTurns(key);
  const find = params.find ?? "";
  const outline = useAnswer((signal) => get("/threads/outline", { ...key, search: find }, signal), [key, find]);
  const lines = outline.data?.items ?? [];
  const areOfFind = outline.about === JSON.stringify([key, find]); // else of the words before
  const [version, setVersion] = useState(0);
  const [raw, setRaw] = useState(false);
  const [panel, setPanel] = useState(() => kept("panel", innerWidth > 1000));
  const [map, setMap] = useState(() => kept("outline", null));
  const [deleting, setDeleting] = useState(false);
  const neighbours = useNeighbours(key, listOf(params));
  const project = projects.find((one) => one.project === params.project);
  const wanted = params.turn ? Number(params.turn) - 1 : -1;
  const turnCount = Math.max(lines.length, thread.data?.turn_count ?? 0);
  const { box, first, last, before, after, measure, reveal, at, end } = useTall({ count: turnCount, estimate: TURN_PX, about });
  useEffect(() => {
    if (turnCount) turns.need(first, last);
  }, [first, last, turnCount, about]);
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
          timer = setTimeout(() => latestTurns.current(), SETTLE_MS);
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
  latestTurns.current = () => {
    outline.again();
    turns.again();
  };
  const message = params.message ? Number(params.message) - 1 : -1;
  const shownPlace = useRef(null);
  useEffect(() => {
    const place = `${about}${wanted} ${message}`;
    if (wanted < 0 || !turnCount || shownPlace.current === place) return undefined;
    shownPlace.current = place;
    reveal(wanted);
    return focusSoon(wanted, message);
  }, [wanted, message, turnCount > 0, about]);
  useMarks(box, find, [first, last, turns.turns, raw]);

  const changed = useCallback(() => {
    thread.again();
    setVersion((n) => n + 1);
    latestTurns.current();
  }, [about]);
  latestChanged.current = changed;
  const show = (index, hit) => {
    if (index < 0 || index >= turnCount) return;
    shownPlace.current = null;
    go("thread", { ...params, turn: index + 1, message: hit === undefined ? "" : hit + 1 }, { replace: true });
    if (index === wanted) reveal(index);
  };
  const setFind = (words) =>
    go("thread", { ...params, find: words, ...(words && { turn: "", message: "" }) }, { replace: true });
  const failed = useMemo(() => failedOf(lines), [outline.data]);
  const current = wanted >= 0 ? wanted : at;
  const marked = wanted >= at && wanted <= end ? wanted : at; // the last turns never come to the top
  const toError = (by) => {
    const next = nextOf(failed, current, by);
    if (next !== null) show(next);
  };
  const toEnd = () => {
    reveal(turnCount - 1, "end");
    go("thread", { ...params, turn: turnCount, message: "" }, { replace: true });
    shownPlace.current = `${about}${turnCount - 1} -1`;
  };
  const listLink = linkTo("threads", listOf(params));
  const wholeLink = linkTo("whole", { ...key, list: params.list });
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
    const turn = turns.turns.get(Math.max(0, current));
    if (turn) location.hash = traceLink(turn, turn.trace_ids[0]);
  };
  const togglePanel = () => {
    setPanel(!panel);
    keep("panel", !panel);
  };
  const hasMap = map ?? (turnCount > FEW_TURNS && innerWidth > 1100);
  const toggleMap = () => {
    setMap(!hasMap);
    keep("outline", !hasMap);
  };
  useKeys({
    j: () => show(Math.min(turnCount - 1, wanted + 1)),
    k: () => show(Math.max(0, wanted - 1)),
    "]": () => neighbours.next && neighbours.open(neighbours.next),
    "[": () => neighbours.previous && neighbours.open(neighbours.previous),
    t: toTrace,
    T: toTrace,
    i: togglePanel,
    o: toggleMap,
    w: () => (location.hash = wholeLink),
    e: () => toError(1),
    E: () => toError(-1),
    End: toEnd,
    Home: () => show(0),
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
        <button onClick=${toTrace} title="Trace  T" disabled=${!turnCount}>Trace</button>
        <a class="button" href=${wholeLink} title="All spans, agents and tools, prompts, turns compared  w">Whole</a>
        <button onClick=${togglePanel} aria-pressed=${panel} title="Panel  i"><${Icon} name="panel" size=${14} /> Panel</button>
        <${Menu} label="More" title="More" align="right">${(close) => html`<div class="choices">
          <button class="danger" onClick=${() => {
            close();
            setDeleting(true);
          }}>Delete…</button></div>`}</${Menu}></span>
    </header>
    ${data && html`<${Feedback} thread=${data} />`}
    <div class="threadbar">
      <button onClick=${toggleMap} aria-pressed=${hasMap} title="Outline  o">Outline</button>
      <${FindBar} find=${find} setFind=${setFind} outline=${areOfFind ? outline.data?.items : null} place=${[wanted, message]}
          at=${current} show=${show} />
      ${failed.length > 0 && html`<span class="errors"><button onClick=${() => toError(-1)} aria-label="Previous error" title="Previous error  E">↑</button>
        <button onClick=${() => toError(1)} title="Next error  e"><span class="bad"><${Icon} name="error" size=${12} /></span> ${count(failed.length, "turn")} with errors</button></span>`}
      <${Strip} outline=${lines} at=${marked} show=${show} />
      <button onClick=${toEnd} title="To the end  End">End</button>
    </div>
    <div class="columns">
      ${hasMap && html`<${Outline} outline=${lines} at=${marked} find=${areOfFind ? find : ""} show=${show} />`}
      <div class="turns" ref=${box} tabindex="0" role="region" aria-label="Conversation">
        <h2 class="unseen">Turns</h2>
        <div style=${{ height: `${before}px` }}></div>
        ${Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i).map((index) => html`<div class="slot" key=${index}
            data-row=${index} ref=${refOf(measure, index)}>${turns.turns.has(index) ? html`<${Turn} turn=${turns.turns.get(index)}
              system=${turns.turns.get(index - 1)?.system} paths=${paths} raw=${raw} list=${params.list} traceLink=${traceLink} isCurrent=${index === wanted}
              marked=${index === wanted ? message : -1} onChange=${latestTurnsOf(latestTurns)} />`
            : html`<${Loading} what="turn ${index + 1}" />`}</div>`)}
        <div style=${{ height: `${after}px` }}></div>
        ${turns.error && html`<${Failed} error=${turns.error} again=${() => turns.need(first, last)} />`}
        ${!turnCount && (outline.loading || thread.loading) && html`<${Loading} what="turns" />`}
        ${outline.data && !turnCount && html`<p class="faint nothing">This thread has no turn yet.</p>`}
      </div>
      ${panel && data && html`<${Side} thread=${data} turns=${lines} show=${show} project=${project} changed=${changed} onProject=${reloadProjects}
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

// Brings the keyboard to a turn once it is drawn, and a message of it into sight.
function focusSoon(turn, message) {
  let left = 120; // drawings: what is asked for over a slow line comes later, and is in sight then
  let asked = 0;
  const look = () => {
    const element = document.getElementById(`turn-${turn}`);
    const part = message >= 0 ? document.getElementById(`turn-${turn}-message-${message}`) : null;
    if (element && (message < 0 || part)) {
      element.focus({ preventScroll: true });
      if (part && isOutOfSight(part)) part.scrollIntoView({ block: "center" });
    } else if ((left -= 1) > 0) asked = requestAnimationFrame(look);
  };
  asked = requestAnimationFrame(look);
  return () => cancelAnimationFrame(asked);
}

const isOutOfSight = (element) => {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom < 0 || top > innerHeight - 40;
};

// One ref a row, so that a row is not measured anew at each drawing.
const refs = new WeakMap();
function refOf(measure, index) {
  if (!refs.has(measure)) refs.set(measure, new Map());
  const known = refs.get(measure);
  if (!known.has(index)) known.set(index, (element) => measure(index, element));
  return known.get(index);
}

// One function for all turns, so that a turn is not drawn anew for another's sake.
const latestOf = new WeakMap();
function latestTurnsOf(ref) {
  if (!latestOf.has(ref)) latestOf.set(ref, () => ref.current());
  return latestOf.get(ref);
}
