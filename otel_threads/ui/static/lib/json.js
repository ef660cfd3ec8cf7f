// JSON for reading: coloured by kind, long texts cut until asked for, big values folded.
import { html, useState } from "./html.js";
import { count } from "./format.js";
import { Copy } from "./parts.js";

const TEXT_LENGTH = 2_000;
const CHILDREN = 100;
const OPEN_DEPTH = 2;

/** Return a text as JSON when it holds an object or a list, else the text itself. */
export function parsed(value) {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Draw a value with a button that copies it. */
export function Json({ value, depth = OPEN_DEPTH, label = "value" }) {
  return html`<div class="json">
    <${Copy} label="" what=${`Copy ${label}`} text=${() => (typeof value === "string" ? value : JSON.stringify(value, null, 2))} />
    <${Node} value=${value} open=${depth} />
  </div>`;
}

function Node({ value, open, inner = false }) {
  if (value === null || value === undefined) return html`<span class="j-null">null</span>`;
  if (typeof value === "string") return html`<${Words} text=${value} bare=${!inner} />`;
  if (typeof value !== "object") return html`<span class="j-${typeof value}">${String(value)}</span>`;
  return html`<${Many} value=${value} open=${open} />`;
}

function Words({ text, bare }) {
  const [whole, setWhole] = useState(false);
  const cut = text.length > TEXT_LENGTH && !whole;
  const shown = cut ? text.slice(0, TEXT_LENGTH) : text;
  return html`<span class="j-string ${bare ? "bare" : ""}" dir="auto">${shown}</span>${
    cut &&
    html` <button
    class="more" onClick=${() => setWhole(true)}>… ${count(text.length - TEXT_LENGTH, "more character")}</button>`
  }`;
}

function Many({ value, open }) {
  const [isOpen, setOpen] = useState(open > 0);
  const [shown, setShown] = useState(CHILDREN);
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  if (!entries.length) return html`<span class="j-null">${isList ? "[]" : "{}"}</span>`;
  const summary = isList ? `[ ${count(entries.length, "item")} ]` : `{ ${count(entries.length, "field")} }`;
  return html`<span class="j-many">
    <button class="fold" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>${isOpen ? "▾" : "▸"} ${summary}</button>
    ${
      isOpen &&
      html`<div class="j-items">
      ${entries.slice(0, shown).map(
        ([key, one]) => html`<div key=${key} class="j-item">
        <span class="j-key"><bdi>${key}</bdi></span><${Node} value=${one} open=${open - 1} inner />
      </div>`,
      )}
      ${
        entries.length > shown &&
        html`<button class="more" onClick=${() => setShown(shown + CHILDREN * 10)}>
        … ${count(entries.length - shown, "more")}</button>`
      }
    </div>`
    }
  </span>`;
}
