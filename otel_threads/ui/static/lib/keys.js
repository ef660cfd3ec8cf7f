// Keys: one listener for the page; whoever registers last is asked first.
import { useLayoutEffect, useRef } from "./html.js";

const layers = [];

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable]");
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key !== "Escape" && typing(event.target)) return;
  if (document.querySelector("dialog[open]") && event.key !== "Escape") return;
  for (const layer of [...layers].reverse()) {
    const act = layer.current[event.key];
    if (act && act(event) !== false) {
      event.preventDefault();
      return;
    }
  }
});

/** Act on keys while the component is there: `{j: () => …}`. An act that returns false passes it on. */
export function useKeys(acts) {
  const layer = useRef(acts);
  layer.current = acts;
  useLayoutEffect(() => {
    layers.push(layer);
    return () => layers.splice(layers.indexOf(layer), 1);
  }, []);
}
