// The charts of a selection, in one row; a brush narrows the time, a name narrows the filter.
import { Chart } from "../lib/chart.js";
import { html, useMemo } from "../lib/html.js";
import { STEP_MS, chartsOf, filled, rangeOf, stacked, toggled } from "./series.js";

/** The row. `series` is the API's; `change` puts parameters into the address. */
export function Charts({ series, interval, params, change }) {
  const { times, charts } = useMemo(() => {
    const buckets = filled(series, interval);
    return { times: buckets.map((one) => one.time), charts: chartsOf(buckets) };
  }, [series, interval]);
  if (!charts.length) return html`<p class="charts faint">Nothing to draw: no thread began in this selection.</p>`;
  return html`<div class="charts" role="region" aria-label="Charts by ${interval}" tabindex="0">${charts.map((chart) => {
    const drawn = chart.stacked ? stacked(chart.lines) : chart.lines.map((line) => line.values);
    return html`<${Chart} key=${chart.id} title=${chart.title} kind=${chart.kind} stacked=${chart.stacked} counts=${chart.counts} named=${chart.named} times=${times} step=${STEP_MS[interval]}
        format=${chart.format} lines=${chart.lines.map((line, i) => ({
          ...line,
          shown: drawn[i],
          active: line.filter && (params.filter ?? "").includes(line.filter),
        }))}
        onRange=${(from, to) => change(rangeOf(from, to, interval))}
        onPick=${(line) => change({ filter: toggled(params.filter, line.filter) })} />`;
  })}</div>`;
}
