// The keys.
import { html } from "../lib/html.js";
import { Dialog } from "../lib/parts.js";

const KEYS = {
  Everywhere: { "?": "These keys", "g t": "Threads", "g a": "All traces", "g s": "All spans", "g i": "Issues",
    "g q": "SQL", "g l": "Traces without a thread", Esc: "Back" },
  Threads: {
    "j k": "Next, previous thread",
    Enter: "Open",
    "/": "Search",
    f: "Filter",
    q: "Ask in words",
    x: "Select",
    "Shift + click": "Select up to here",
    c: "Charts",
    r: "Refresh",
  },
  Conversation: {
    "j k": "Next, previous turn",
    "Home End": "First turn, end",
    "e E": "Next, previous error",
    "/": "Search in the thread",
    "n N": "Next, previous hit",
    o: "Outline",
    w: "The whole thread: spans, agents, prompts",
    "] [": "Next, previous thread",
    T: "Its trace",
    i: "Panel",
  },
  Trace: {
    "j k": "Next, previous span",
    "← →": "Fold, unfold",
    "/": "Search spans",
    "n N": "Next, previous match",
    "e E": "Next, previous error",
    T: "Its conversation",
  },
};

/** The dialog of keys. */
export const Help = ({ onClose }) => html`<${Dialog} title="Keys" onClose=${onClose} wide>
  <div class="keys">${Object.entries(KEYS).map(
    ([where, keys]) => html`<section key=${where}><h3>${where}</h3>
    <dl>${Object.entries(keys).map(([key, what]) => html`<dt
        key=${key}>${key.split(" ").map((one) => (one === "+" || one === "click" ? ` ${one} ` : html`<kbd>${one}</kbd>`))}</dt>
        <dd>${what}</dd>`)}</dl></section>`,
  )}</div>
</${Dialog}>`;
