// The rows of a query: each column with its type, ids of threads and traces as links.
import { exact, oneLine } from "../lib/format.js";
import { html } from "../lib/html.js";
import { linkTo } from "../lib/route.js";

const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*)$/;
const CELL_LENGTH = 300;
const NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 15, useGrouping: false });

/** The table. */
export function Rows({ found }) {
  const { columns, rows } = found;
  const at = Object.fromEntries(columns.map(({ name }, i) => [name, i]));
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Rows"><table class="simple">
    <thead><tr>${columns.map(({ name, type }, i) => html`<th key=${i} class=${NUMBERS.test(type) ? "right" : ""}><bdi>${oneLine(name, 80)}</bdi>
      <div class="faint type" title=${type}>${oneLine(type.toLowerCase(), 40)}</div></th>`)}</tr></thead>
    <tbody>${rows.map((row, n) => html`<tr key=${n}>${row.map((value, i) => html`<td key=${i}
        class=${NUMBERS.test(columns[i].type) ? "right" : ""} title=${titleOf(value, columns[i].type)}><${Cell} value=${value}
        type=${columns[i].type} link=${linkOf(columns[i].name, row, at)} /></td>`)}</tr>`)}</tbody>
  </table></div>
  ${!rows.length && html`<p class="faint">No row.</p>`}`;
}

function Cell({ value, type, link }) {
  if (value === null) return html`<span class="faint">null</span>`;
  if (typeof value === "number" && NUMBERS.test(type)) return NUMBER.format(value);
  const words = oneLine(typeof value === "object" ? JSON.stringify(value) : value, CELL_LENGTH);
  return link ? html`<a href=${link}><bdi>${words}</bdi></a>` : html`<span dir="auto">${words}</span>`;
}

function titleOf(value, type) {
  if (value === null) return "";
  if (type.startsWith("TIMESTAMP")) return exact(value);
  return oneLine(typeof value === "object" ? JSON.stringify(value) : value, 1000);
}

/** Return where an id leads: a thread with its project, a trace, a span with its trace. */
function linkOf(column, row, at) {
  const of = (name) => (name in at && typeof row[at[name]] === "string" ? row[at[name]] : "");
  const project = of("project");
  if (column === "thread_id" && project && of(column)) return linkTo("thread", { project, thread_id: of(column) });
  if (column === "trace_id" && of(column)) return linkTo("trace", { project, trace_id: of(column), span: of("span_id") });
  return null;
}
