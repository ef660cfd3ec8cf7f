// Long lists: only the rows in sight are drawn. Rows are of one height.
import { useEffect, useLayoutEffect, useRef, useState } from "./html.js";

const BEYOND = 8; // rows drawn above and below what is seen
const AHEAD = 80; // rows before the end at which more are asked for

/**
 * Return `{box, first, last, top, height, room, reveal}` for `count` rows of `row` px in the element that
 * `box` is the ref of; `room` is how many px of them are seen. `onEnd` is called when the end comes near.
 */
export function useWindow({ count, row, onEnd, header = 0 }) {
  const box = useRef();
  const [seen, setSeen] = useState({ top: 0, height: 800 });
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
    look();
    element.addEventListener("scroll", later, { passive: true });
    const sizes = new ResizeObserver(later);
    sizes.observe(element);
    return () => {
      cancelAnimationFrame(asked);
      element.removeEventListener("scroll", later);
      sizes.disconnect();
    };
  }, [box.current === undefined]);
  const first = Math.max(0, Math.floor(seen.top / row) - BEYOND);
  const last = Math.min(count, Math.ceil((seen.top + seen.height) / row) + BEYOND);
  const atEnd = last >= count - AHEAD;
  useEffect(() => {
    if (atEnd && onEnd) onEnd();
  }, [atEnd, count]);
  const reveal = (index) => {
    const element = box.current;
    if (!element) return;
    const top = index * row;
    const room = element.clientHeight - header;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + row > element.scrollTop + room) element.scrollTop = top + row - room;
  };
  return { box, first, last, top: first * row, height: count * row, room: seen.height, reveal };
}
