// The map of a long thread: a line a turn, a strip in time, errors and hits to go to.
import { clock, count, duration, exact, number, oneLine, short, usd } from "../lib/format.js";
import { html, useEffect, useId, useMemo, useRef, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { useWindow } from "../lib/list.js";
import { failedOf, placesOf } from "./places.js";

const ROW = 44;

/** The outline. `at` is the turn in sight; `show(index, message)` goes to one. */
export function Outline({ outline, at, find, show }) {
  const { box, first, last, top, height, reveal } = useWindow({ count: outline.length, row: ROW });
  useEffect(() => reveal(at), [at, at < outline.length]); // the turns may be there before their lines
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
  return html`<li style=${{ height: `${ROW}px` }}><button class="plain ${failed ? "failed" : ""}"
      aria-current=${isCurrent ? "true" : undefined} title=${[exact(one.start_time), one.error].filter(Boolean).join("\n")}
      onClick=${() => show(one.turn_index, one.hits[0])}>
    <span class="line"><b>${number(one.turn_index + 1)}</b> <span class="words" dir="auto">${oneLine(one.user, 120) || "–"}</span>
      ${failed && html`<span class="bad"><${Icon} name="error" size=${12} /><span class="unseen">failed</span></span>`}</span>
    <span class="line faint">${clock(one.start_time)} · ${duration(one.duration_ms)}${one.total_tokens !== null
      ? ` · ${short(one.total_tokens)}` : ""}${one.cost_usd ? ` · ${usd(one.cost_usd)}` : ""}
      ${one.tool_call_count > 0 && html`<span title=${count(one.tool_call_count, "tool call")}><${Icon} name="tool" size=${11} />${one.tool_call_count}</span>`}
      ${scores.length > 0 && html`<span title=${scores.map(([name, value]) => `${oneLine(name)} ${number(value)}`).join("\n")}><${Icon}
          name="star" size=${11} />${number(scores[0][1])}</span>`}
      ${find && one.hits.length > 0 && html`<mark>${count(one.hits.length, "hit")}</mark>`}</span>
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

/** Search inside the thread: words, how many hits, and the way from one to the next. */
export function FindBar({ find, setFind, outline, at, show }) {
  const [text, setText] = useState(find);
  const input = useRef();
  const id = useId();
  useEffect(() => setText(find), [find]);
  const hits = outline.flatMap((one) => one.hits.map((message) => [one.turn_index, message]));
  const [chosen, setChosen] = useState(-1);
  useEffect(() => setChosen(-1), [find]);
  const step = (by) => {
    if (!hits.length) return;
    const from = chosen >= 0 ? chosen : by > 0 ? hits.findIndex(([turn]) => turn >= at) - 1 : hits.length;
    const next = (from + by + hits.length) % hits.length;
    setChosen(next);
    show(...hits[next]);
  };
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
      }} onKeyDown=${(e) => e.key === "Escape" && input.current.blur()} />
    ${find && html`<span class="faint" role="status">${hits.length ? `${chosen >= 0 ? `${chosen + 1} of ` : ""}${count(hits.length, "hit")}` : "nothing found"}</span>`}
    ${hits.length > 0 && html`<button type="button" aria-label="Previous hit" title="Previous hit  N" onClick=${() => step(-1)}>↑</button>
      <button type="button" aria-label="Next hit" title="Next hit  n" onClick=${() => step(1)}>↓</button>`}
  </form>`;
}
