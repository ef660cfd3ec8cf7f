// From the API's series to what charts draw: hours or days without gaps, lines, filters behind them.
import { duration, number, short, usd } from "../lib/format.js";
import { allOf, quoted } from "./selection.js";

export const STEP_MS = { hour: 3600e3, day: 86400e3 };
const BUCKETS_MAX = 2000;
const NAMES_MAX = 5; // of models and scores; the rest of the models are one line
export const REST = "others";

/** Return the buckets, with empty ones where nothing began, so that a gap is seen as one. */
export function filled(series, interval) {
  const known = new Map(series.map((one) => [Date.parse(one.time), one]));
  const times = [...known.keys()].sort((a, b) => a - b);
  const found = [];
  for (const [i, time] of times.entries()) {
    found.push({ time, bucket: known.get(time) });
    const next = times[i + 1] ?? time;
    for (let at = time + STEP_MS[interval]; at < next; at += STEP_MS[interval]) {
      if (found.length + times.length > BUCKETS_MAX) break; // years by the hour: only what there is
      found.push({ time: at, bucket: null });
    }
  }
  return found;
}

/** Return the names that count most over all buckets, by what `read` says of each. */
export function leading(buckets, field, read) {
  const sums = new Map();
  for (const { bucket } of buckets)
    for (const [name, one] of Object.entries(bucket?.[field] ?? {}))
      sums.set(name, (sums.get(name) ?? 0) + (read(one) ?? 0));
  return [...sums].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
}

const whole = (value) => (value === null ? "–" : number(Math.round(value * 1000) / 1000));

/**
 * Return the charts: `{id, title, kind, stacked, counts, named, format, lines: [{name, values, filter}]}`. `filter`
 * selects the threads that a line is about; null where none does. Charts of nothing are left out.
 */
export function chartsOf(buckets) {
  const read = (name, of, filter = null) => ({
    name,
    filter,
    values: buckets.map(({ bucket }) => (bucket ? (of(bucket) ?? null) : null)),
  });
  const count = (name, of, filter) => {
    const line = read(name, of, filter);
    return { ...line, values: line.values.map((value) => value ?? 0) };
  };
  const percentiles = (field, name) =>
    ["p50", "p90", "p99"].map((one) => read(one, (b) => b[field][one], name));
  const models = leading(buckets, "models", (one) => one.cost_usd);
  const few = models.slice(0, models.length > NAMES_MAX + 1 ? NAMES_MAX : undefined);
  const rest = models.slice(few.length);
  const cost = [
    ...few.map((name) => count(name, (b) => b.models[name]?.cost_usd, `model = ${quoted(name)}`)),
    ...(rest.length
      ? [count(REST, (b) => rest.reduce((sum, name) => sum + (b.models[name]?.cost_usd ?? 0), 0))]
      : []),
  ];
  const scores = leading(buckets, "scores", (one) => one.count).slice(0, NAMES_MAX);
  const charts = [
    {
      id: "threads",
      title: "Threads",
      kind: "bars",
      counts: true,
      format: whole,
      lines: [count("threads", (b) => b.thread_count)],
    },
    {
      id: "errors", // of their own: a thread may have many
      title: "Errors",
      kind: "bars",
      counts: true,
      format: whole,
      lines: [{ ...count("errors", (b) => b.error_count, "error_count > 0"), tone: "bad" }],
    },
    { id: "turns", title: "Turns", kind: "bars", counts: true, format: whole, lines: [count("turns", (b) => b.turn_count)] },
    { id: "latency", title: "Turn time", kind: "lines", format: duration, lines: percentiles("turn_duration_ms") },
    {
      id: "first",
      title: "First token",
      kind: "lines",
      format: duration,
      lines: percentiles("time_to_first_token_ms"),
    },
    {
      id: "tokens",
      title: "Tokens",
      kind: "bars",
      stacked: true,
      counts: true,
      format: short,
      lines: [count("in", (b) => b.input_tokens), count("out", (b) => b.output_tokens)],
    },
    { id: "cost", title: "Cost by model", kind: "bars", stacked: true, named: true, format: usd, lines: cost },
    {
      id: "scores",
      title: "Scores",
      kind: "lines",
      named: true,
      format: whole,
      lines: scores.map((name) => read(name, (b) => b.scores[name]?.avg, scoreFilter(name))),
    },
  ];
  return charts.filter(({ lines }) => lines.some(({ values }) => values.some(Boolean)));
}

const scoreFilter = (name) => (/^[\w.-]+$/.test(name) ? `scores.${name} is_not_null` : null);

/** Return values on top of one another, the first line lowest. */
export function stacked(lines) {
  const sums = lines[0].values.map(() => 0);
  return lines.map(({ values }) => values.map((value, i) => (sums[i] += value ?? 0)));
}

/** Return the time range of buckets as the address has it: from the first to the end of the last. */
export function rangeOf(from, to, interval) {
  const step = STEP_MS[interval];
  const first = Math.floor(from / step) * step;
  const last = Math.max(first + step, Math.ceil(to / step) * step);
  return { range: "", from: new Date(first).toISOString(), to: new Date(last).toISOString() };
}

/** Return a filter with one more condition; a condition that it has already is taken out again. */
export function toggled(filter, condition) {
  const given = (filter ?? "").trim();
  if (given === condition) return "";
  if (given.startsWith(`(${condition}) and `)) return given.slice(condition.length + 7).replace(/^\((.*)\)$/s, "$1");
  if (given.endsWith(` and (${condition})`)) return given.slice(0, -condition.length - 7).replace(/^\((.*)\)$/s, "$1");
  return allOf(given, condition);
}
