// Long lists of rows whose heights are known only once they are drawn: those in sight are drawn, and
// what stands in sight stays there while heights above it become known.
import { useCallback, useLayoutEffect, useRef, useState } from "./html.js";

const BEYOND_PX = 700; // drawn above and below what is seen
const EDGE_PX = 8; // less of a row is not taken for seen
const SCROLLING = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", " "]);

/** Return where rows begin: one more than there are, the last is where the list ends. */
export function tops(count, heightOf) {
  const found = new Array(count + 1);
  found[0] = 0;
  for (let i = 0; i < count; i += 1) found[i + 1] = found[i] + heightOf(i);
  return found;
}

/** Return the row at a height, by halving. */
export function rowAt(starts, top) {
  let [low, high] = [0, starts.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= top) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

/**
 * Return `{box, first, last, before, after, measure, reveal, at, end}` for `count` rows in the element that
 * `box` is the ref of. `measure(index, element)` belongs to each row that is drawn; `reveal(index,
 * place)` brings a row to the "start" or the "end" of what is seen and keeps it there, whatever comes
 * above it, until somebody scrolls; `at` and `end` are the first and the last row in sight.
 */
export function useTall({ count, estimate, about }) {
  const box = useRef();
  const [seen, setSeen] = useState({ top: 0, height: 800 });
  const [, redraw] = useState(0);
  const held = useRef({});
  if (held.current.about !== about) held.current = { about, heights: new Map(), target: null, elements: new Map() };
  const { heights } = held.current;
  const starts = tops(count, (i) => heights.get(i) ?? estimate);
  const state = useRef();
  state.current = { starts, count };

  const aim = useCallback(() => {
    const { target } = held.current;
    const element = box.current;
    if (!target || !element) return;
    const { starts: known, count: all } = state.current;
    const index = Math.min(target.index, all - 1);
    const isLast = index === all - 1;
    const end = isLast ? Infinity : known[index + 1] - element.clientHeight;
    const top = target.place === "end" ? end : known[index];
    const wanted = Math.max(0, Math.min(top, element.scrollHeight - element.clientHeight));
    if (Math.abs(element.scrollTop - wanted) > 1) element.scrollTop = wanted;
  }, []);

  const sizes = useRef();
  sizes.current ??= new ResizeObserver((entries) => {
    const element = box.current;
    if (!element) return;
    let above = 0;
    let changed = false;
    const { starts: known } = state.current;
    for (const { target } of entries) {
      const index = Number(target.dataset.row);
      const height = target.offsetHeight;
      const before = held.current.heights.get(index) ?? known[index + 1] - known[index];
      if (!height || held.current.heights.get(index) === height) continue;
      held.current.heights.set(index, height);
      if (known[index] + before <= element.scrollTop) above += height - before;
      changed = true;
    }
    if (!changed) return;
    redraw((n) => n + 1);
    requestAnimationFrame(() => {
      if (held.current.target) aim();
      else if (above) element.scrollTop += above;
    });
  });
  const measure = useCallback((index, element) => {
    const { elements } = held.current;
    const before = elements.get(index);
    if (before === element) return;
    if (before) sizes.current.unobserve(before);
    if (element) {
      elements.set(index, element);
      sizes.current.observe(element);
    } else elements.delete(index);
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    let asked = 0;
    const look = () => {
      asked = 0;
      setSeen({ top: element.scrollTop, height: element.clientHeight });
    };
    const later = () => {
      asked ||= requestAnimationFrame(look);
    };
    const stop = () => (held.current.target = null); // whoever scrolls leads
    const key = (event) => SCROLLING.has(event.key) && stop();
    look();
    element.addEventListener("scroll", later, { passive: true });
    element.addEventListener("wheel", stop, { passive: true });
    element.addEventListener("pointerdown", stop, { passive: true });
    element.addEventListener("keydown", key);
    const room = new ResizeObserver(later);
    room.observe(element);
    return () => {
      cancelAnimationFrame(asked);
      element.removeEventListener("scroll", later);
      element.removeEventListener("wheel", stop);
      element.removeEventListener("pointerdown", stop);
      element.removeEventListener("keydown", key);
      room.disconnect();
    };
  }, [box.current === undefined]);
  const reveal = useCallback(
    (index, place = "start") => {
      held.current.target = { index, place };
      aim();
      requestAnimationFrame(aim); // once what is drawn there has its room
    },
    [aim],
  );
  const first = count ? rowAt(starts, Math.max(0, seen.top - BEYOND_PX)) : 0;
  const last = count ? rowAt(starts, seen.top + seen.height + BEYOND_PX) + 1 : 0;
  return {
    box,
    first,
    last,
    before: starts[first],
    after: starts[count] - starts[last],
    at: count ? rowAt(starts, seen.top + EDGE_PX) : 0,
    end: count ? rowAt(starts, seen.top + seen.height - EDGE_PX) : 0,
    measure,
    reveal,
  };
}
