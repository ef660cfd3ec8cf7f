import assert from "node:assert/strict";
import test from "node:test";
import * as selection from "./static/threads/selection.js";

test("a range counts back from now, to the minute", () => {
  const now = Date.parse("2026-06-15T12:00:30Z");
  const asked = selection.questionOf({ range: "1h", from: "ignored" }, now);
  assert.equal(asked.from, "2026-06-15T11:00:00.000Z");
  assert.equal(asked.to, null);
  assert.equal(asked.project, "*");
});

test("a word of JavaScript's own is no range", () => {
  assert.equal(selection.questionOf({ range: "constructor", from: "x" }, 0).from, "x");
});

test("hostile ids stay texts of the filter language", () => {
  const filter = selection.filterOf([
    { project: 'a"b', thread_id: 'x" or true or "' },
    { project: 'a"b', thread_id: "back\\slash" },
  ]);
  assert.equal(
    filter,
    '(project = "a\\"b" and thread_id in ("x\\" or true or \\"", "back\\\\slash"))',
  );
});

test("filters are joined, and empty ones are left out", () => {
  assert.equal(selection.allOf("", null, "a = 1"), "a = 1");
  assert.equal(selection.allOf("a = 1 or b = 2", "c = 3"), "(a = 1 or b = 2) and (c = 3)");
  assert.equal(selection.allOf(), "");
});

test("a saved view keeps filter, search and status, not the time", () => {
  const text = selection.asFilter({ filter: "turn_count > 1", search: "ada", status: "active", range: "1h" });
  assert.equal(
    text,
    '(turn_count > 1) and (status = "active") and (thread_id contains "ada" or any_message contains "ada")',
  );
});

test("a list goes into an address and comes back", () => {
  const list = { project: "p & q", filter: 'a = "ü"', range: "24h", nothing: "lost" };
  const link = selection.threadLink({ project: "p", thread_id: "t/1 x" }, list);
  const params = Object.fromEntries(new URLSearchParams(link.split("?")[1]));
  assert.deepEqual(selection.listOf(params), { project: "p & q", filter: 'a = "ü"', range: "24h" });
  assert.equal(params.thread_id, "t/1 x");
});

test("threads of one id in two projects are two", () => {
  assert.notEqual(
    selection.keyOf({ project: "a", thread_id: "b,c" }),
    selection.keyOf({ project: "a,b", thread_id: "c" }),
  );
});
