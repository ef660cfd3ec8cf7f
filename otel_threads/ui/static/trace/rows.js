// The tree of spans beside its waterfall; only the rows in sight are drawn.
import { duration, number, oneLine, short, usd } from "../lib/format.js";
import { html, useEffect } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { useWindow } from "../lib/list.js";
import { Marked } from "../lib/parts.js";
import { typeOf } from "./tree.js";

const ROW = 30;
const HEAD = 30;
const INDENT = 14;
const DEPTH_MAX = 24; // deeper spans are not moved in further
const TICKS = 4;

/** The rows. `pick(node)` selects one, `fold(node)` folds or unfolds it. */
export function Rows({ rows, length, selected, folded, matches, find, pick, fold, narrow }) {
  const { box, first, last, top, height, reveal } = useWindow({ count: rows.length, row: ROW, header: HEAD });
  const at = rows.findIndex((node) => node.span.span_id === selected);
  useEffect(() => {
    if (at >= 0) reveal(at);
  }, [selected, at]);
  useEffect(() => {
    if (at < 0 || !box.current?.contains(document.activeElement)) return;
    box.current.querySelector('[aria-selected="true"]')?.focus({ preventScroll: true });
  }, [selected, first]);
  const ticks = Array.from({ length: TICKS }, (_, i) => (length * i) / TICKS);
  return html`<div class="spans ${narrow ? "narrow" : ""}" ref=${box} tabindex=${at < 0 ? 0 : -1}>
    <div class="spanhead" aria-hidden="true"><span>Span</span>${!narrow && html`<span class="right">Tokens</span><span
        class="right">Cost</span>`}<span class="right">Duration</span>
      ${!narrow && html`<span class="ticks">${ticks.map((ms) => html`<i key=${ms}>${duration(ms)}</i>`)}</span>`}</div>
    <div role="tree" aria-label="Spans" style=${{ height: `${height}px` }}>
      <div style=${{ transform: `translateY(${top}px)` }} role="presentation">
        ${rows.slice(first, last).map(
          (
            node,
            i,
          ) => html`<${Row} key=${node.span.span_id + node.index} node=${node} position=${first + i} length=${length}
              narrow=${narrow} find=${find}
          selected=${node.span.span_id === selected} folded=${folded.has(node.span.span_id)} matches=${matches.has(node.index)}
              pick=${pick} fold=${fold} first=${at < 0 && i === 0} />`,
        )}
      </div>
    </div>
  </div>`;
}

function Row({ node, length, selected, folded, matches, find, pick, fold, narrow, first }) {
  const { span } = node;
  const type = typeOf(span);
  const failed = span.status_code === "error";
  const name = oneLine(span.name || "(no name)", 200);
  const left = Math.min(99.7, (node.from / length) * 100);
  const width = Math.max(0.3, Math.min(100 - left, ((node.to - node.from) / length) * 100));
  const words = [name, type === "other" ? "" : type, failed ? "failed" : "", duration(span.duration_ms)]
    .filter(Boolean)
    .join(", ");
  return html`<div role="treeitem" aria-level=${node.depth + 1} aria-expanded=${node.children ? !folded : undefined}
      aria-selected=${selected} aria-label=${words} tabindex=${selected || first ? 0 : -1}
      class="span type-${type} ${failed ? "failed" : ""} ${selected ? "selected" : ""} ${matches ? "match" : ""}"
      onClick=${() => pick(node)} style=${{ height: `${ROW}px` }}>
    <span class="name" style=${{ paddingLeft: `${Math.min(node.depth, DEPTH_MAX) * INDENT + 4}px` }} title=${name}>
      <span class="toggle" aria-hidden="true" onClick=${(e) => {
        if (!node.children) return;
        e.stopPropagation();
        fold(node);
      }}>${node.children ? (folded ? "▸" : "▾") : ""}</span>
      <span class="kind"><${Icon} name=${type} size=${14} /></span>
      <bdi><${Marked} text=${name} find=${find} /></bdi>
      ${span.model && html`<span class="faint"> <bdi>${oneLine(span.model, 60)}</bdi></span>`}
      ${folded && html`<span class="count">${number(node.below)}</span>`}
      ${failed ? html`<span class="bad"><${Icon} name="error" size=${13} /></span>` : folded && node.errorsBelow > 0 ? html`<span
          class="bad">${node.errorsBelow} <${Icon} name="error" size=${11} /></span>` : ""}
    </span>
    ${
      !narrow &&
      html`<span class="right faint" title=${span.usage ? `${number(span.usage.input_tokens)} in, ${number(span.usage.output_tokens)} out` : ""}>${span.usage?.total_tokens !== null && span.usage ? short(span.usage.total_tokens) : ""}</span>
      <span class="right faint" title=${span.cost_usd === null ? "" : `$${span.cost_usd}`}>${span.cost_usd === null ? ""
        : usd(span.cost_usd)}</span>`
    }
    <span class="right" title="${number(span.duration_ms)} ms">${duration(span.duration_ms)}</span>
    ${!narrow && html`<span class="track"><i style=${{ left: `${left}%`, width: `${width}%` }}></i></span>`}
  </div>`;
}
