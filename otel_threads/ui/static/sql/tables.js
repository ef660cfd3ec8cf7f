// What can be asked in SQL: tables and views made for people, their columns, types and comments.
import { oneLine } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { Failed, Loading } from "../lib/parts.js";

/** The list. `answer` holds rows of (table, about, column, type, comment); `insert(text)` takes a name. */
export function Tables({ answer, insert }) {
  const [open, setOpen] = useState("");
  const tables = new Map();
  for (const [table, about, ...column] of answer.data?.rows ?? []) {
    if (!tables.has(table)) tables.set(table, { about, columns: [] });
    tables.get(table).columns.push(column);
  }
  return html`<nav class="tables" aria-label="Tables">
    ${answer.error && html`<${Failed} error=${answer.error} again=${answer.again} />`}
    ${!answer.data && !answer.error && html`<${Loading} what="tables" />`}
    <ul>${[...tables].map(([name, { about, columns }]) => html`<li key=${name}>
      <button class="fold" aria-expanded=${open === name} title=${about ?? ""} onClick=${() => setOpen(open === name ? "" : name)}>
        ${open === name ? "▾" : "▸"} <code>${name}</code></button>
      ${open === name && html`<p class="faint">${oneLine(about ?? "", 300)}</p><ul>${columns.map(([column, type, comment]) => html`<li
          key=${column}><button class="plain" title=${oneLine(comment ?? "", 400)} onClick=${() => insert(column)}><code>${column}</code>
          <span class="faint">${oneLine(type.toLowerCase(), 30)}</span></button></li>`)}</ul>`}
    </li>`)}</ul>
  </nav>`;
}
