import assert from "node:assert/strict";
import test from "node:test";
import { callsOf, difference, graphOf, growthOf, textOf, together } from "./static/conversation/whole.js";
import { wordsOf } from "./static/trace/tree.js";

const span = (span_id, depth, type, more = {}) => ({
  span_id,
  trace_id: "t1",
  name: span_id,
  depth,
  type,
  model: null,
  status_code: "ok",
  start_time_unix_nano: "1000000000",
  end_time_unix_nano: "2000000000",
  duration_ms: 1000,
  attributes: {},
  ...more,
});
const asked = (...texts) => ({
  "gen_ai.input.messages": JSON.stringify(texts.map((content) => ({ role: "user", content }))),
});

test("traces stand in one tree, each below a line of its own", () => {
  const all = together([
    { trace_id: "t1", first_message: "Hello", error_count: 1, spans: [span("a", 0, "agent")], duration_ms: 1000 },
    { trace_id: "t2", name: "second", spans: [span("b", 0, "llm")], duration_ms: 1000 },
  ]);
  assert.deepEqual(all.map((one) => [one.name, one.depth]), [["1. Hello", 0], ["a", 1], ["2. second", 0], ["b", 1]]);
  assert.equal(all[0].status_code, "error");
});

test("calls are counted by the nearest agent above", () => {
  const traces = [
    {
      spans: [
        span("planner", 0, "agent"),
        span("step", 1, "chain"),
        span("search", 2, "tool"),
        span("search", 2, "tool", { status_code: "error" }),
        span("writer", 1, "agent"),
        span("chat", 2, "llm", { model: "gpt-4o" }),
      ],
    },
  ];
  const calls = callsOf(traces);
  assert.deepEqual(
    calls.map((one) => [one.caller, one.callee, one.count, one.errors, one.total_ms]),
    [
      ["planner", "search", 2, 1, 2000],
      ["app", "planner", 1, 0, 1000],
      ["planner", "writer", 1, 0, 1000],
      ["writer", "gpt-4o", 1, 0, 1000],
    ],
  );
  const graph = graphOf(calls);
  const x = Object.fromEntries(graph.nodes.map((node) => [node.name, node.x / 230]));
  assert.deepEqual(x, { app: 0, planner: 1, search: 2, writer: 2, "gpt-4o": 3 });
  assert.ok(graph.edges.every((edge) => edge.from && edge.to));
});

test("agents that call one another in a circle are drawn once", () => {
  const circle = [
    { caller: "a", callee: "b", kind: "agent", count: 1, errors: 0, total_ms: 1 },
    { caller: "b", callee: "a", kind: "agent", count: 1, errors: 0, total_ms: 1 },
  ];
  const graph = graphOf(circle);
  assert.deepEqual(graph.nodes.map((node) => node.name).sort(), ["a", "b"]);
});

test("a prompt tells what it gained, and whether history was changed", () => {
  const growth = growthOf([
    {
      spans: [
        span("1", 0, "llm", { attributes: asked("one") }),
        span("2", 0, "llm", { attributes: asked("one", "two") }),
        span("3", 0, "llm", { attributes: asked("changed", "two", "three") }),
      ],
    },
  ]);
  assert.deepEqual(growth.map((one) => [one.messages, one.gained.length, one.kept]), [[1, 1, true], [2, 1, true], [3, 3, false]]);
});

test("the first difference is found, also where one text only ends earlier", () => {
  assert.equal(difference("a\nb\nc", "a\nx\nc").first, 1);
  assert.equal(difference("a", "a\nb").first, 1);
  assert.equal(difference("a\nb", "a\nb").first, null);
});

test("a turn is a text of what was said and called", () => {
  const turn = {
    messages: [{ role: "user", text: "Hi" }, { role: "assistant", text: null }],
    tool_calls: [{ name: "get", arguments: { a: 1 }, result: 2 }],
    error: { type: "E", message: null },
  };
  assert.equal(textOf(turn), 'user: Hi\nassistant: \ntool get: {"a":1} → 2\nerror: E');
  assert.equal(textOf(undefined), "");
});

test("a trace opens on the last request that answered, else on its turn", () => {
  const answered = { "gen_ai.output.messages": "[]" };
  const spans = [span("root", 0, "agent"), span("x", 1, "llm", { attributes: answered }), span("y", 1, "llm")];
  assert.equal(wordsOf({ spans, turns: [{ span_id: "root" }] }), "x");
  assert.equal(wordsOf({ spans: [spans[0]], turns: [{ span_id: "root" }] }), "root");
  assert.equal(wordsOf({ spans: [spans[0]], turns: [] }), null);
});
