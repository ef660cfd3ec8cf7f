// Icons as strokes in a 16 px square; decoration only, words or labels stand beside them.
import { html } from "./html.js";

const PATHS = {
  __proto__: null,
  llm: "M8 1.8 9.6 6.4 14.2 8 9.6 9.6 8 14.2 6.4 9.6 1.8 8 6.4 6.4Z",
  agent: "M4 6.5h8v6H4zM8 6.5V3.5M6.2 9.2v.6M9.8 9.2v.6M8 3.3a.6.6 0 1 0 0-.1",
  tool: "M10.3 2.2a3.6 3.6 0 0 0-3.2 5L2.3 12l1.7 1.7 4.8-4.8a3.6 3.6 0 0 0 5-4.4L11.6 6.7 9.6 6.4 9.3 4.4Z",
  chain: "M6.5 9.5 9.5 6.5M7.5 4.5 9 3a2.8 2.8 0 0 1 4 4l-1.5 1.5M8.5 11.5 7 13a2.8 2.8 0 0 1-4-4l1.5-1.5",
  retriever: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3 14 14",
  embedding: "M3 3h.1M8 3h.1M13 3h.1M3 8h.1M8 8h.1M13 8h.1M3 13h.1M8 13h.1M13 13h.1",
  reranker: "M5 13V3M5 3 2.5 5.5M5 3l2.5 2.5M11 3v10M11 13l2.5-2.5M11 13l-2.5-2.5",
  guardrail: "M8 1.8 13 3.8v4c0 3-2.2 5.2-5 6.4-2.8-1.2-5-3.4-5-6.4v-4Z",
  evaluator: "M2.5 8.5 6 12l7.5-8",
  prompt: "M3 4l4 4-4 4M8.5 12.5h5",
  event: "M8 2v6l4 2",
  other: "M8 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
  up: "M4.5 13.5v-6L7.8 2c1.2 0 1.7.9 1.5 2l-.4 2.5h3.4c.8 0 1.4.7 1.2 1.5l-.9 4.3c-.1.7-.7 1.2-1.4 1.2ZM2 7.5h2.5v6H2z",
  down: "M4.5 2.5v6L7.8 14c1.2 0 1.7-.9 1.5-2l-.4-2.5h3.4c.8 0 1.4-.7 1.2-1.5l-.9-4.3c-.1-.7-.7-1.2-1.4-1.2ZM2 8.5h2.5v-6H2z",
  error: "M8 1.8 14.8 13.7H1.2ZM8 6.3v3.5M8 11.6v.2",
  close: "M4 4l8 8M12 4l-8 8",
  left: "M10 3 5 8l5 5",
  right: "M6 3l5 5-5 5",
  unfold: "M3 6l5 5 5-5",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3 14 14",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  columns: "M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10",
  star: "M8 2l1.8 3.9 4.2.5-3.1 2.9.8 4.2L8 11.4l-3.7 2.1.8-4.2L2 6.4l4.2-.5Z",
  file: "M4 1.8h5l3.5 3.5v9H4ZM9 1.8v3.5h3.5",
  image: "M2.5 3.5h11v9h-11zM2.5 11l3.5-3.5 3 3 2-2 2.5 2.5M10.5 6.2v.1",
  gear: "M8 5.7a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6M8 1.5v2M8 12.5v2M1.5 8h2M12.5 8h2M3.4 3.4l1.4 1.4M11.2 11.2l1.4 1.4M12.6 3.4l-1.4 1.4M4.8 11.2l-1.4 1.4",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  panel: "M2 3h12v10H2zM10 3v10",
  user: "M8 2.5a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4M2.8 14c.5-3 2.6-4.3 5.2-4.3s4.7 1.3 5.2 4.3",
};

/** Draw an icon. */
export function Icon({ name, size = 16 }) {
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 16 16" aria-hidden="true">
    <path d=${PATHS[name] ?? PATHS.other} /></svg>`;
}
