import assert from "node:assert/strict";
import test from "node:test";
import { alone } from "./static/lib/chart.js";
import * as series from "./static/threads/series.js";

const SPREAD = { p50: null, p90: null, p99: null, avg: null, max: null };
const bucket = (time, more = {}) => ({
  time,
  thread_count: 1,
  turn_count: 2,
  error_count: 0,
  input_tokens: 10,
  output_tokens: 5,
  turn_duration_ms: { ...SPREAD, p50: 100, p90: 200, p99: 300 },
  time_to_first_token_ms: SPREAD,
  models: {},
  scores: {},
  ...more,
});

test("hours in which nothing began are there, and empty", () => {
  const found = series.filled([bucket("2026-06-15T12:00:00Z"), bucket("2026-06-15T09:00:00Z")], "hour");
  assert.deepEqual(found.map((one) => new Date(one.time).getUTCHours()), [9, 10, 11, 12]);
  assert.deepEqual(found.map((one) => one.bucket === null), [false, true, true, false]);
});

test("years by the hour are not filled up", () => {
  const found = series.filled([bucket("2020-01-01T00:00:00Z"), bucket("2026-01-01T00:00:00Z")], "hour");
  assert.ok(found.length <= 2001);
});

test("counts are zero in a gap, percentiles are unknown", () => {
  const charts = series.chartsOf(series.filled([bucket("2026-06-15T09:00:00Z"), bucket("2026-06-15T11:00:00Z")], "hour"));
  const by = Object.fromEntries(charts.map((one) => [one.id, one]));
  assert.deepEqual(by.threads.lines[0].values, [1, 0, 1]);
  assert.deepEqual(by.latency.lines.map((one) => one.values), [[100, null, 100], [200, null, 200], [300, null, 300]]);
  assert.equal(by.first, undefined); // of nothing
  assert.deepEqual(alone(by.latency.lines[0].values), [0, 2]); // no line over the gap
  assert.deepEqual(alone([1, 2, null, 0]), [3]);
});

test("errors are no part of the bars of threads: a thread may have many", () => {
  const charts = series.chartsOf(series.filled([bucket("2026-06-15T09:00:00Z", { error_count: 6 })], "hour"));
  const [threads, errors] = charts;
  assert.deepEqual([threads.id, threads.lines.map((one) => one.values)], ["threads", [[1]]]);
  assert.deepEqual([errors.id, errors.lines.map((one) => one.values)], ["errors", [[6]]]);
});

test("models beyond the leading ones are one line, and names become filters", () => {
  const models = Object.fromEntries([..."abcdefgh"].map((name, i) => [name, { cost_usd: 8 - i }]));
  const [cost] = series
    .chartsOf(series.filled([bucket("2026-06-15T09:00:00Z", { models: { ...models, 'a"x': { cost_usd: 9 } } })], "day"))
    .filter((one) => one.id === "cost");
  assert.deepEqual(cost.lines.map((one) => one.name), ['a"x', "a", "b", "c", "d", "others"]);
  assert.equal(cost.lines[0].filter, 'model = "a\\"x"');
  assert.deepEqual(cost.lines.at(-1).values, [4 + 3 + 2 + 1]);
  assert.equal(cost.lines.at(-1).filter, null);
});

test("a name of JavaScript's own is a model like others", () => {
  const models = JSON.parse('{"__proto__": {"cost_usd": 1}, "constructor": {"cost_usd": 2}}');
  const buckets = series.filled([bucket("2026-06-15T09:00:00Z", { models })], "day");
  assert.deepEqual(series.leading(buckets, "models", (one) => one.cost_usd), ["constructor", "__proto__"]);
});

test("sums stand on one another", () => {
  assert.deepEqual(series.stacked([{ values: [1, null] }, { values: [2, 3] }]), [[1, 0], [3, 3]]);
});

test("a brush takes whole hours", () => {
  const from = Date.parse("2026-06-15T09:20:00Z");
  assert.deepEqual(series.rangeOf(from, from + 60e3, "hour"), {
    range: "",
    from: "2026-06-15T09:00:00.000Z",
    to: "2026-06-15T10:00:00.000Z",
  });
});

test("a condition is added once, and taken out again", () => {
  const one = series.toggled("", "error_count > 0");
  assert.equal(one, "error_count > 0");
  const two = series.toggled(one, 'model = "x"');
  assert.equal(two, '(error_count > 0) and (model = "x")');
  assert.equal(series.toggled(two, 'model = "x"'), one);
  assert.equal(series.toggled(one, one), "");
});
