import assert from "node:assert/strict";
import test from "node:test";
import { failedOf, hitsOf, nextHit, nextOf, placesOf } from "./static/conversation/places.js";
import { rowAt, tops } from "./static/lib/tall.js";

const line = (turn_index, more = {}) => ({
  turn_index,
  start_time: new Date(1_700_000_000_000 + turn_index * 60_000).toISOString(),
  duration_ms: 30_000,
  error: null,
  failed_tool_call_count: 0,
  ...more,
});

test("turns and tools that failed are errors", () => {
  const outline = [line(0), line(1, { error: "x" }), line(2, { failed_tool_call_count: 1 })];
  assert.deepEqual(failedOf(outline), [1, 2]);
});

test("the next goes round, and none is none", () => {
  assert.equal(nextOf([3, 7], 3, 1), 7);
  assert.equal(nextOf([3, 7], 7, 1), 3);
  assert.equal(nextOf([3, 7], 3, -1), 7);
  assert.equal(nextOf([], 0, 1), null);
});

test("hits are gone through from one to the next, and from the turn in sight", () => {
  const hits = hitsOf([line(0, { hits: [] }), line(3, { hits: [0, 1] }), line(7, { hits: [2] })]);
  assert.deepEqual(hits, [[3, 0], [3, 1], [7, 2]]);
  const from = (index, at, by) => nextHit(hits, index, at, by);
  assert.deepEqual([from(0, 3, 1), from(2, 7, 1), from(0, 3, -1)], [[3, 1], [3, 0], [7, 2]]);
  assert.deepEqual([from(-1, 4, 1), from(-1, 4, -1), from(-1, 9, 1)], [[7, 2], [3, 1], [3, 0]]);
});

test("the strip is as long as the conversation, and a short turn is still seen", () => {
  const places = placesOf([line(0), line(1), line(2, { duration_ms: 0 })]);
  assert.equal(places[0].left, 0);
  assert.equal(places[0].width, 25);
  assert.equal(places[1].left, 50);
  assert.equal(places[2].left, 100);
  assert.ok(places[2].width > 0);
  assert.deepEqual(placesOf([]), []);
});

test("a row is found by its height", () => {
  const starts = tops(4, (i) => (i + 1) * 10); // 0 10 30 60 100
  assert.deepEqual([0, 9, 10, 29, 30, 59, 60, 99, 1000].map((top) => rowAt(starts, top)), [0, 0, 1, 1, 2, 2, 3, 3, 3]);
  assert.equal(rowAt(tops(0, () => 1), 5), 0);
});
