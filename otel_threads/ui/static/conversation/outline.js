// The map of a long thread: a line a turn, a strip in time, errors and hits to go to.
import { count, duration, exact, minute, number, oneLine, short, usd } from "../lib/format.js";
import { html, useEffect, useId, useMemo, useRef, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { useWindow } from "../lib/list.js";
import { failedOf, hitsOf, nextHit, placesOf } from "./places.js";

const ROW = 44;

/** The outline. `at` is the turn in sight; `show(index, message)` goes to one. */
export function Outline({ outline, at, find, show }) {
  const { box, first, last, top, height, room, reveal } = useWindow({ count: outline.length, row: ROW });
  useEffect(() => reveal(at), [at, at < outline.length, room]); // the turns may be there before their lines
  return html`<nav class="outline" ref=${box} aria-label="Turns" tabindex="0">
    <div style=${{ height: `${height}px` }}><ol style=${{ transform: `translateY(${top}px)` }}>
      ${outline.slice(first, last).map((one) => html`<${Line} key=${one.turn_index} one=${one} isCurrent=${one.turn_index === at}
          find=${find} show=${show} />`)}
    </ol></div>
  </nav>`;
}

function Line({ one, isCurrent, find, show }) {
  const failed = one.error || one.failed_tool_call_count > 0;
  const scores = Object.entries(one.scores);
  const figures = [
    minute(one.start_time),
    duration(one.duration_ms),
    one.total_tokens !== null && short(one.total_tokens),
    one.cost_usd && usd(one.cost_usd),
  ];
  return html`<li style=${{ height: `${ROW}px` }}><button class="plain ${failed ? "failed" : ""}"
      aria-current=${isCurrent ? "true" : undefined} title=${[exact(one.start_time), one.cost_usd && `$${one.cost_usd}`, one.error].filter(Boolean).join("\n")}
      onClick=${() => show(one.turn_index, one.hits[0])}>
    <span class="line"><b>${number(one.turn_index + 1)}</b> <span class="words" dir="auto">${oneLine(one.user, 120) || "–"}</span>
      ${failed && html`<span class="bad"><${Icon} name="error" size=${12} /><span class="unseen">failed</span></span>`}
      ${one.tool_call_count > 0 && html`<span title=${count(one.tool_call_count, "tool call")}><${Icon} name="tool" size=${11} />${one.tool_call_count}</span>`}
      ${scores.length > 0 && html`<span title=${scores.map(([name, value]) => `${oneLine(name)} ${number(value)}`).join("\n")}><${Icon}
          name="star" size=${11} />${number(scores[0][1])}</span>`}
      ${find && one.hits.length > 0 && html`<mark>${count(one.hits.length, "hit")}</mark>`}</span>
    <span class="line faint"><span class="words">${figures.filter(Boolean).join(" · ")}</span></span>
  </button></li>`;
}

/** The conversation in time: a mark a turn, as long as it took. */
export function Strip({ outline, at, show }) {
  const places = useMemo(() => placesOf(outline), [outline]);
  const failed = useMemo(() => new Set(failedOf(outline)), [outline]);
  if (places.length < 2) return null;
  const near = (event) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - left) / width) * 100;
    const away = (one) => Math.abs(one.left + one.width / 2 - x);
    show(places.reduce((best, one) => (away(one) < away(best) ? one : best)).index);
  };
  return html`<svg class="strip" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" onClick=${near}
      aria-label="${count(places.length, "turn")} in time, ${count(failed.size, "with an error", "with errors")}">
    ${places.map((one) => html`<rect key=${one.index} x=${one.left} y="1" width=${one.width} height="8"
        class="${failed.has(one.index) ? "bad" : ""} ${one.index === at ? "at" : ""}" />`)}
  </svg>`;
}

/**
 * Search inside the thread: words, how many hits, and the way from one to the next. `outline` is null
 * until the hits are known; `place` is the turn and the message that the address names.
 */
export function FindBar({ find, setFind, outline, place, at, show }) {
  const [text, setText] = useState(find);
  const input = useRef();
  const id = useId();
  useEffect(() => setText(find), [find]);
  const hits = useMemo(() => hitsOf(outline ?? []), [outline]);
  const chosen = hits.findIndex(([turn, message]) => turn === place[0] && message === place[1]);
  const step = (by) => hits.length && show(...nextHit(hits, chosen, at, by));
  const isOpen = Boolean(find && outline) && place[0] < 0; // words without a place: to the first hit
  useEffect(() => {
    if (isOpen) step(1);
  }, [find, isOpen]);
  useKeys({ "/": () => input.current.focus(), n: () => step(1), N: () => step(-1) });
  return html`<form class="find" role="search" onSubmit=${(e) => {
    e.preventDefault();
    if (text.trim() === find) step(e.shiftKey ? -1 : 1);
    else setFind(text.trim());
  }}><label for=${id} class="unseen">Search in this thread</label>
    <input id=${id} ref=${input} type="search" maxlength="1000" placeholder="Search in the thread  /" value=${text}
      onInput=${(e) => {
        setText(e.target.value);
        if (!e.target.value) setFind("");
      }} />
    ${find && outline && html`<span class="faint" role="status">${hits.length ? `${chosen >= 0 ? `${chosen + 1} of ` : ""}${count(hits.length, "hit")}` : "nothing found"}</span>`}
    ${hits.length > 0 && html`<button type="button" aria-label="Previous hit" title="Previous hit  N" onClick=${() => step(-1)}>↑</button>
      <button type="button" aria-label="Next hit" title="Next hit  n" onClick=${() => step(1)}>↓</button>`}
  </form>`;
}
