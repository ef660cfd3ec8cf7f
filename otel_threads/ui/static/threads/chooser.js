// Which columns there are, and in which order.
import { oneLine } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Menu } from "../lib/parts.js";
import { COLUMNS, columnOf } from "./columns.js";

/** A menu of columns. `extra` are ids of further ones, as in `scores.quality`. */
export function ColumnChooser({ columns, setColumns, extra, onReset }) {
  const shown = columns.map(({ column }) => column.id);
  const hidden = [...COLUMNS.map(({ id }) => id), ...extra].filter((id) => !shown.includes(id));
  const move = (from, to) => {
    const moved = [...columns];
    moved.splice(to, 0, ...moved.splice(from, 1));
    setColumns(moved);
  };
  return html`<${Menu} icon="columns" title="Columns" align="right">
    <div class="chooser">
      <h2>Shown</h2>
      <ul>${columns.map(
        ({ column }, i) => html`<li key=${column.id}>
        <label class="check"><input type="checkbox" checked disabled=${columns.length === 1}
            onChange=${() => setColumns(columns.filter((c) => c.column !== column))} /> <bdi>${column.label}</bdi></label>
        <span class="acts"><button class="plain" disabled=${i === 0} aria-label="Move ${column.label} left"
            onClick=${() => move(i, i - 1)}>↑</button>
        <button class="plain" disabled=${i === columns.length - 1} aria-label="Move ${column.label} right"
            onClick=${() => move(i, i + 1)}>↓</button></span></li>`,
      )}</ul>
      <h2>More</h2>
      <ul>${hidden.map(
        (id) =>
          html`<li key=${id}><label class="check"><input type="checkbox" onChange=${() => {
            const column = columnOf(id);
            setColumns([...columns, { column, width: column.width }]);
          }} /> <bdi>${id.includes(".") ? oneLine(id, 60) : columnOf(id).label}</bdi></label></li>`,
      )}</ul>
      <button onClick=${onReset}>Back to the usual</button>
    </div>
  </${Menu}>`;
}
