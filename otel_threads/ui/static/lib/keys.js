// Keys: one listener for the page; whoever registers last is asked first.
import { useLayoutEffect, useRef } from "./html.js";

const SECOND_MS = 1000; // between the two keys of "g t"
const layers = [];
let first = { key: "", time: 0 };

/** Return the field that a key is typed into; a box to tick is none. */
function fieldOf(target) {
  return target.closest?.("input:not([type='checkbox']), textarea, select, [contenteditable]");
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return; // has its own keys: the browser closes it at Escape
  const field = fieldOf(event.target);
  if (field) {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    field.blur();
    event.preventDefault(); // leaves the field, not the page, and a search keeps its words
    return;
  }
  const pair = Date.now() - first.time < SECOND_MS ? `${first.key} ${event.key}` : null;
  const begins = layers.some((layer) => Object.keys(layer.current).some((key) => key.startsWith(`${event.key} `)));
  first = { key: event.key, time: begins ? Date.now() : 0 };
  if ((pair && acted(pair, event)) || acted(event.key, event)) event.preventDefault();
});

function acted(key, event) {
  return [...layers].reverse().some(({ current }) => current[key] && current[key](event) !== false);
}

/** Act on keys while the component is there: `{j: () => …, "g t": () => …}`. An act that returns false passes it on. */
export function useKeys(acts) {
  const layer = useRef(acts);
  layer.current = acts;
  useLayoutEffect(() => {
    layers.push(layer);
    return () => layers.splice(layers.indexOf(layer), 1);
  }, []);
}
