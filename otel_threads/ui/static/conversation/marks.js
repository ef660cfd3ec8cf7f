// Marks words in what is drawn, without a change of its markup: CSS custom highlights.
import { useEffect } from "../lib/html.js";

const RANGES_MAX = 2000;
const DRAWN_MS = 150; // Markdown is drawn a moment after its turn

/** Mark `find` in the element of `box` whenever something of `about` is another. */
export function useMarks(box, find, about) {
  useEffect(() => {
    if (!globalThis.CSS?.highlights) return undefined; // an older browser: hits are counted all the same
    CSS.highlights.delete("find");
    if (!find || !box.current) return undefined;
    const timer = setTimeout(() => CSS.highlights.set("find", new Highlight(...rangesOf(box.current, find))), DRAWN_MS);
    return () => clearTimeout(timer);
  }, [find, ...about]);
}

function rangesOf(root, find) {
  const wanted = find.toLowerCase();
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode() && found.length < RANGES_MAX) {
    const text = texts.currentNode.data.toLowerCase();
    for (let at = text.indexOf(wanted); at >= 0 && found.length < RANGES_MAX; at = text.indexOf(wanted, at + 1)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, Math.min(at, texts.currentNode.length));
      range.setEnd(texts.currentNode, Math.min(at + wanted.length, texts.currentNode.length));
      found.push(range);
    }
  }
  return found;
}
