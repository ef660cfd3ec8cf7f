import assert from "node:assert/strict";
import test from "node:test";

globalThis.document = { baseURI: "http://127.0.0.1:4320/" }; // the client of the API asks where it is
const columns = await import("./static/threads/columns.js");
const { parsed } = await import("./static/lib/json.js");
const { listOf, textOf, threadLink } = await import("./static/threads/selection.js");
const { linkTo } = await import("./static/lib/route.js");

test("columns go into an address and come back with their widths", () => {
  const text = "thread_id:240,scores.a%2Cb,metadata.team,nonsense,%E0%A4";
  const found = columns.columnsOf(text, false);
  assert.deepEqual(found.map(({ column }) => column.id), ["thread_id", "scores.a,b", "metadata.team"]);
  assert.equal(found[0].width, 240);
  assert.equal(columns.columnsText(found, false), "thread_id:240,scores.a%2Cb,metadata.team");
});

test("the default columns are no part of the address", () => {
  assert.equal(columns.columnsText(columns.columnsOf("", false), false), "");
  assert.equal(columns.columnsOf("", true)[0].column.id, "project");
});

test("what went wrong is seen at 1024 px, what it cost at 1440", () => {
  const found = columns.columnsOf("", true);
  const until = (id) => {
    const end = found.findIndex(({ column }) => column.id === id) + 1;
    return found.slice(0, end).reduce((sum, { width }) => sum + width, 34 + 16); // the boxes, the scrollbar
  };
  assert.ok(until("last_error") <= 1024, until("last_error"));
  assert.ok(until("cost_usd") <= 1440, until("cost_usd"));
});

test("a thread leads back to the list that it was found in, else to that of its project", () => {
  const list = { project: "shop", filter: "turn_count > 0" };
  assert.deepEqual(listOf({ project: "shop", list: textOf(list) }), list);
  assert.deepEqual(listOf({ project: "shop", list: textOf({}) }), {});
  assert.deepEqual(listOf({ project: "shop" }), { project: "shop" });
  assert.match(threadLink({ project: "shop", thread_id: "a" }, { search: "needle" }), /[?&]find=needle&/);
});

test("widths stay within what can be used", () => {
  assert.equal(columns.clamp(1), columns.WIDTH_MIN);
  assert.equal(columns.clamp(1e9), 900);
});

test("only objects and lists are read as JSON", () => {
  assert.deepEqual(parsed(' {"a": 1}'), { a: 1 });
  assert.equal(parsed("12"), "12");
  assert.equal(parsed("[1, "), "[1, ");
  assert.equal(parsed(3), 3);
});

test("links leave out what is empty and encode the rest", () => {
  assert.equal(linkTo("threads", { a: "", b: null, c: 0, d: "x&y" }), "#/threads?c=0&d=x%26y");
  assert.equal(linkTo("threads"), "#/threads");
});
