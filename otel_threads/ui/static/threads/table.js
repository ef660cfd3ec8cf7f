// The table of threads: rows in sight only; columns are sorted, moved and resized at their heads.
import { count, exact, oneLine, plainOf, when } from "../lib/format.js";
import { html, memo, useCallback, useEffect, useRef, useState } from "../lib/html.js";
import { useWindow } from "../lib/list.js";
import { go } from "../lib/route.js";
import { Status, clamp } from "./columns.js";
import { last } from "./loaded.js";
import { keyOf, threadLink } from "./selection.js";

const ROW = 38;
const NARROW_ROW = 68;
const HEAD = 34;
const CHECK_WIDTH = 34;
const KEY_STEP = 16;

/** Return whether there is room for columns. */
export function useNarrow() {
  const [media] = useState(() => matchMedia("(max-width: 720px)"));
  const [narrow, setNarrow] = useState(media.matches);
  useEffect(() => {
    const changed = () => setNarrow(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return narrow;
}

/** The table. `columns` are `{column, width}`; `picked` the keys of selected threads. */
export function Table({
  threads,
  live,
  columns,
  setColumns,
  sort,
  setSort,
  picked,
  setPicked,
  current,
  setCurrent,
  params,
}) {
  const narrow = useNarrow();
  const row = narrow ? NARROW_ROW : ROW;
  const {
    box,
    first,
    last: end,
    top,
    height,
    reveal,
  } = useWindow({ count: threads.items.length, row, onEnd: threads.more, header: narrow ? 0 : HEAD });
  const anchor = useRef(-1);
  const restored = useRef(last.scroll ? current : -1);
  useEffect(() => {
    if (threads.isCurrent && last.scroll) box.current.scrollTop = last.scroll;
  }, []);
  useEffect(() => {
    if (current < 0) return;
    if (current !== restored.current) reveal(current); // else the list stands where it was left
    restored.current = -1;
    requestAnimationFrame(() =>
      box.current?.querySelector(`[data-index="${current}"] a`)?.focus({ preventScroll: true }),
    );
  }, [current]);
  const widths = columns.map(({ width }) => `${width}px`).join(" ");
  const total = columns.reduce((n, { width }) => n + width, CHECK_WIDTH);
  // The same function for every drawing, so that rows are drawn anew only when they change.
  const latest = useRef();
  latest.current = (index, event) => {
    const next = new Set(picked);
    const from = event.shiftKey && anchor.current >= 0 ? anchor.current : index;
    const on = !picked.has(keyOf(threads.items[index]));
    for (let i = Math.min(from, index); i <= Math.max(from, index); i += 1) {
      if (on) next.add(keyOf(threads.items[i]));
      else next.delete(keyOf(threads.items[i]));
    }
    anchor.current = index;
    setPicked(next);
  };
  const pick = useCallback((index, event) => latest.current(index, event), []);
  const allPicked = threads.items.length > 0 && picked.size >= threads.items.length;
  return html`<div class="table ${narrow ? "narrow" : ""}" ref=${box} onScroll=${(e) => (last.scroll = e.target.scrollTop)}
      role="table" aria-label="Threads" aria-rowcount=${threads.cursor ? -1 : threads.items.length + 1}
      tabindex="0" aria-busy=${threads.loading}>
    <div role="rowgroup" class="thead" style=${{ minWidth: narrow ? "" : `${total}px` }}>
      <div role="row" aria-rowindex="1" class="tr head" style=${{ gridTemplateColumns: `${CHECK_WIDTH}px ${widths}` }}>
        <span role="columnheader" class="th check"><input type="checkbox" aria-label="Select all loaded threads"
            checked=${allPicked}
          onChange=${() => setPicked(allPicked ? new Set() : new Set(threads.items.map(keyOf)))} /></span>
        ${columns.map((one, i) => html`<${Head} key=${one.column.id} one=${one} index=${i} columns=${columns}
            setColumns=${setColumns} sort=${sort} setSort=${setSort} />`)}
      </div>
    </div>
    <div role="rowgroup" class="tbody" style=${{ height: `${height}px`, minWidth: narrow ? "" : `${total}px` }}>
      <div style=${{ transform: `translateY(${top}px)` }} role="presentation">
        ${threads.items.slice(first, end).map((thread, i) => {
          const index = first + i;
          const key = keyOf(thread);
          return html`<${Row} key=${key} thread=${thread} index=${index} row=${row} columns=${columns} widths=${widths}
              narrow=${narrow} params=${params}
            picked=${picked.has(key)} fresh=${live.isFresh(thread)} isCurrent=${index === current} onPick=${pick}
                setCurrent=${setCurrent} />`;
        })}
      </div>
    </div>
    ${threads.loading && threads.items.length > 0 && html`<p class="waiting more-rows" role="status"><span class="spinner"
        aria-hidden="true"></span>Loading more…</p>`}
  </div>`;
}

const Row = memo(function Row({
  thread,
  index,
  row,
  columns,
  widths,
  narrow,
  params,
  picked,
  fresh,
  isCurrent,
  onPick,
  setCurrent,
}) {
  const link = threadLink(thread, params);
  const open = (event) => {
    if (event.target.closest("a, input, button") || getSelection()?.toString()) return;
    setCurrent(index);
    if (event.ctrlKey || event.metaKey) window.open(link, "_blank", "noopener");
    else location.hash = link;
  };
  const name = oneLine(thread.thread_id);
  const box = html`<input type="checkbox" aria-label="Select ${name}" checked=${picked} onClick=${(e) => onPick(index, e)} />`;
  const classes = `tr ${picked ? "picked" : ""} ${fresh ? "fresh" : ""} ${isCurrent ? "current" : ""} ${thread.error_count
    ? "has-error" : ""}`;
  if (narrow) {
    return html`<div role="row" aria-rowindex=${index + 2} data-index=${index} class=${classes} style=${{ height: `${row}px` }}
        onClick=${open}>
      <span role="cell" class="td check">${box}</span>
      <span role="cell" class="td card"><span class="line"><a href=${link}><bdi>${name}</bdi></a><${Status}
          status=${thread.status} />
        <span class="faint end" title=${exact(thread.last_activity_time)}>${when(thread.last_activity_time)}</span></span>
        <span class="line words" dir="auto">${oneLine(plainOf((thread.first_message ?? "").slice(0, 400)), 200)}</span>
        <span class="line faint">${count(thread.turn_count, "turn")}${thread.error_count ? html` · <span
            class="bad">${count(thread.error_count, "error")}</span>` : ""}</span></span>
    </div>`;
  }
  return html`<div role="row" aria-rowindex=${index + 2} data-index=${index} class=${classes}
      style=${{ gridTemplateColumns: `${CHECK_WIDTH}px ${widths}`, height: `${row}px` }} onClick=${open}>
    <span role="cell" class="td check">${box}</span>
    ${columns.map(
      ({
        column,
      }) => html`<span role="cell" key=${column.id} class="td ${column.align ?? ""}" title=${column.title?.(thread)}>
      ${column.id === "thread_id" ? html`<a href=${link} title=${name}
          onClick=${() => setCurrent(index)}><bdi>${name}</bdi></a>` : column.draw ? column.draw(thread)
            : column.text(thread)}</span>`,
    )}
    ${!columns.some(({ column }) => column.id === "thread_id") && html`<span role="cell" class="unseen"><a
        href=${link}>${name}</a></span>`}
  </div>`;
});

function Head({ one, index, columns, setColumns, sort, setSort }) {
  const { column, width } = one;
  const [over, setOver] = useState(false);
  const name = sort.replace(/^-/, "");
  const isSorted = column.sort && (name === column.sort || `usage.${name}` === column.sort);
  const down = sort.startsWith("-");
  const resized = (to) => setColumns(columns.map((c, i) => (i === index ? { ...c, width: clamp(to) } : c)));
  const drag = (event) => {
    event.preventDefault();
    event.stopPropagation();
    const start = event.clientX;
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    const move = (e) => resized(width + e.clientX - start);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", move), {
      once: true,
    });
  };
  const drop = (event) => {
    setOver(false);
    const from = Number(event.dataTransfer.getData("text/column"));
    if (!event.dataTransfer.types.includes("text/column") || from === index) return;
    event.preventDefault();
    const moved = [...columns];
    moved.splice(index, 0, ...moved.splice(from, 1));
    setColumns(moved);
  };
  const toggle = () => column.sort && setSort(isSorted && down ? column.sort : `-${column.sort}`);
  return html`<span role="columnheader" class="th ${column.align ?? ""} ${over ? "over" : ""}"
      aria-sort=${isSorted ? (down ? "descending" : "ascending") : column.sort ? "none" : undefined}
      draggable=${true} onDragStart=${(e) => e.dataTransfer.setData("text/column", String(index))}
      onDragOver=${(e) => {
        if (!e.dataTransfer.types.includes("text/column")) return;
        e.preventDefault();
        setOver(true);
      }} onDragLeave=${() => setOver(false)} onDrop=${drop}>
    ${column.sort ? html`<button class="plain sort" onClick=${toggle}
        title="Sort by ${column.label}">${column.label}${isSorted ? html`<span
        aria-hidden="true">${down ? " ↓" : " ↑"}</span>` : ""}</button>` : html`<span class="sort">${column.label}</span>`}
    <span class="resize" role="separator" aria-orientation="vertical" aria-label="Width of ${column.label}"
        aria-valuenow=${width} tabindex="0"
      onPointerDown=${drag} onDblClick=${() => resized(column.width)} draggable=${false}
      onKeyDown=${(e) => {
        if (e.key !== "ArrowLeft" && e.key !== "ArrowRight") return;
        e.preventDefault();
        e.stopPropagation();
        resized(width + (e.key === "ArrowRight" ? KEY_STEP : -KEY_STEP));
      }}></span>
  </span>`;
}

/** Go to a thread of the list. */
export const openThread = (thread, params) =>
  go("thread", Object.fromEntries(new URLSearchParams(threadLink(thread, params).split("?")[1])));
