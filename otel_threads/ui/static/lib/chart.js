// One chart on a canvas: bars or lines over time; a dragged range is handed on, and so is a click.
import { clock, exact } from "./format.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";

const HEIGHT = 112;
const DRAG_PX_MIN = 5; // less is a click
const FONT = "11px system-ui, sans-serif";
let library = null;

const uPlot = () => (library ??= import("../vendor/uplot.js").then((module) => module.default));

/** Be told when the colours change: by the system, or by the settings. */
function useScheme() {
  const [scheme, setScheme] = useState(0);
  useEffect(() => {
    const media = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => setScheme((n) => n + 1);
    const root = new MutationObserver(changed);
    root.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    media.addEventListener("change", changed);
    return () => {
      root.disconnect();
      media.removeEventListener("change", changed);
    };
  }, []);
  return scheme;
}

/**
 * A chart of `lines` (`{name, values, shown, active}`) over `times` in ms. `shown` are the values that
 * are drawn (stacked ones are sums), `format` writes a value; `counts` are whole numbers, and `named`
 * lines are called as senders call them, at length. `onRange(from, to)` hears of a brush and of a click
 * on a bar, `onPick(line)` of a click on a name.
 */
export function Chart({ title, kind, stacked, counts, named, times, lines, step, format, onRange, onPick }) {
  const place = useRef();
  const keys = useRef();
  const scheme = useScheme();
  const [at, setAt] = useState(null);
  const latest = useRef({});
  latest.current = { onRange };
  const about = JSON.stringify([kind, times[0], times.length, lines.map((one) => one.shown)]);
  // With the names below it: a canvas that goes a moment after them takes a drag that began on it.
  useLayoutEffect(() => {
    let gone = false;
    let chart = null;
    const sizes = new ResizeObserver(([{ contentRect }]) =>
      chart?.setSize({ width: Math.max(80, Math.floor(contentRect.width)), height: HEIGHT }),
    );
    uPlot().then((Plot) => {
      if (gone) return;
      const colours = [...keys.current.querySelectorAll("i")].map((one) => getComputedStyle(one).color);
      // Sums are drawn from the highest down, so that each line's own part is seen.
      const order = stacked ? lines.map((_, i) => lines.length - 1 - i) : lines.map((_, i) => i);
      const { color: ink } = getComputedStyle(place.current);
      const grid = getComputedStyle(place.current).borderTopColor;
      chart = new Plot(
        optionsOf(Plot, { order, kind, counts, lines, times, step, format, colours, ink, grid, width: place.current.clientWidth, setAt, latest }),
        [times.map((time) => time / 1000), ...order.map((i) => lines[i].shown)],
        place.current,
      );
      sizes.observe(place.current);
    });
    return () => {
      gone = true;
      sizes.disconnect();
      chart?.destroy();
    };
  }, [about, scheme]);
  const index = at !== null && at < times.length ? at : null;
  const said = lines.map((one) => `${one.name} ${format(totalOf(one))}`).join(", ");
  return html`<figure class="chart" aria-label="${title}: ${said}">
    <figcaption><b>${title}</b> <span class="faint" title=${index === null ? "" : exact(new Date(times[index]).toISOString())}>
      ${index === null ? "" : step < DAY_MS ? clock(times[index]) : WHOLE_DAY.format(times[index])}</span></figcaption>
    <div class="plot" ref=${place} aria-hidden="true"></div>
    <div class="chartkeys ${named ? "named" : ""}" ref=${keys}>${lines.map((line, i) => html`<button key=${line.name} class="plain ${line.tone ?? `c${i}`}"
        disabled=${!line.filter} aria-pressed=${line.filter ? Boolean(line.active) : undefined}
        title=${line.filter ? `Only threads with ${line.filter}` : line.name} onClick=${() => onPick(line)}>
      <i aria-hidden="true"></i><bdi>${line.name}</bdi> <span class="faint">${index === null ? "" : format(line.values[index])}</span></button>`)}</div>
  </figure>`;
}

const totalOf = ({ values }) => {
  const known = values.filter((value) => value !== null);
  return known.length ? known[known.length - 1] : null;
};

const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const WHOLE_DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" }); // the API's days are UTC's
const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY_MS = 86400e3;
const DAYS_FROM_MS = 2 * DAY_MS; // a longer time is marked by its days

/** Return the indexes of values without a neighbour: no line leads to them, so they are points. */
export const alone = (values) =>
  values.flatMap((value, i) => (value !== null && (values[i - 1] ?? values[i + 1] ?? null) === null ? [i] : []));

// Steps of an axis of counts: nothing is counted by halves.
const WHOLE = Array.from({ length: 12 }, (_, i) => [1, 2, 5].map((one) => one * 10 ** i)).flat();

const LETTER_PX = 6.5;
const LABELS_PX_MIN = 46;

/** Return how wide the axis of values is: its longest label fits. */
const widthOf = (_, labels) => Math.max(LABELS_PX_MIN, ...(labels ?? []).map((one) => 8 + LETTER_PX * one.length));

function optionsOf(Plot, given) {
  const { order, kind, counts, lines, times, step, format, colours, ink, grid, width, setAt, latest } = given;
  const bars = kind === "bars";
  const [first, last] = [times[0], times[times.length - 1]];
  const isDays = step >= DAY_MS;
  const mark = isDays ? WHOLE_DAY : last - first > DAYS_FROM_MS ? DAY : HOUR;
  const marked = (tick) => (tick * 1000 < first || tick * 1000 > last ? "" : mark.format(tick * 1000)); // none half a bar outside
  const axis = { stroke: ink, font: FONT, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return {
    width: Math.max(80, width),
    height: HEIGHT,
    legend: { show: false },
    tzDate: (time) => (isDays ? Plot.tzDate(new Date(time * 1000), "UTC") : new Date(time * 1000)),
    padding: [6, 6, 0, 0],
    cursor: { drag: { x: true, y: false, setScale: false }, y: false, points: { size: 5 } },
    // Of all times, whatever the library makes of a single one: a thousand days.
    scales: { x: { range: () => [(first - step / 2) / 1000, (last + step / 2) / 1000] }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.05 : 1] } },
    axes: [
      { ...axis, size: 20, space: 64, gap: 6, grid: { show: false }, ...(times.length < 3 && { splits: () => times.map((time) => time / 1000) }), values: (_, ticks) => ticks.map(marked) },
      { ...axis, size: widthOf, space: 28, gap: 3, incrs: counts ? WHOLE : undefined, values: (_, ticks) => ticks.map((one) => format(one)) },
    ],
    series: [
      {},
      ...order.map((i) => ({
        stroke: colours[i],
        fill: bars ? colours[i] : undefined,
        width: bars ? 0 : 1.5,
        points: { show: false, fill: colours[i], filter: () => (bars ? null : alone(lines[i].shown)) },
        paths: bars ? Plot.paths.bars({ size: [0.82, 40], align: 0 }) : undefined,
      })),
    ],
    hooks: {
      setCursor: [(chart) => setAt(chart.cursor.idx ?? null)],
      setSelect: [
        (chart) => {
          const { left, width: wide } = chart.select;
          if (wide < DRAG_PX_MIN) return;
          chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          // A bar stands around its time, half a step to each side.
          const timeAt = (x) => chart.posToVal(x, "x") * 1000 + step / 2;
          latest.current.onRange(timeAt(left), timeAt(left + wide));
        },
      ],
      ready: [
        (chart) => {
          let down = 0;
          chart.over.addEventListener("pointerdown", (event) => (down = event.clientX));
          chart.over.addEventListener("click", (event) => {
            if (Math.abs(event.clientX - down) >= DRAG_PX_MIN || chart.cursor.idx === null) return;
            const time = chart.data[0][chart.cursor.idx] * 1000;
            latest.current.onRange(time, time + step);
          });
        },
      ],
    },
  };
}
