import assert from "node:assert/strict";
import test from "node:test";
import { completions } from "./static/threads/completion.js";

const FIELDS = [
  { name: "error_count", type: "number", operators: ["=", "!=", ">", "is_null"] },
  { name: "models", type: "list", operators: ["=", "contains", "in"] },
  { name: "duration_ms", type: "duration", operators: [">", "<"] },
  { name: "cost_is_partial", type: "boolean", operators: ["="] },
  { name: "scores.", type: "score", operators: ["<", ">"] },
];
const values = (field) => ({ models: ["gpt-4o", 'say "hi"'], "scores.": ["quality", "two words"] })[field] ?? [];
const offered = (text, caret = text.length) =>
  completions(text, caret, FIELDS, values).items.map((one) => one.text);

test("fields come first, scores with their names", () => {
  const all = offered("");
  assert.ok(all.includes("error_count ") && all.includes("not "));
  assert.ok(all.includes("scores.quality ") && all.includes('scores."two words" '));
  assert.deepEqual(offered("err"), ["error_count "]);
});

test("after a field come its own operators", () => {
  assert.deepEqual(offered("duration_ms "), ["> ", "< "]);
  assert.deepEqual(offered("model con"), ["contains "]); // an alias of models
});

test("values are quoted, in a list where the operator takes one", () => {
  assert.deepEqual(offered("models = "), ['"gpt-4o" ', '"say \\"hi\\"" ']);
  assert.deepEqual(offered("models in gp"), ['("gpt-4o") ']);
  assert.deepEqual(offered("cost_is_partial = "), ["true ", "false "]);
  assert.ok(offered("duration_ms > ").includes("90s "));
});

test("whole comparisons are joined", () => {
  assert.deepEqual(offered("error_count > 0 "), ["and ", "or "]);
  assert.deepEqual(offered("error_count is_null "), ["and ", "or "]);
  assert.ok(offered('models in ("a", "b") and ').includes("error_count "));
});

test("what is replaced is the word at the caret", () => {
  const found = completions("error_count > 0 an", 18, FIELDS, values);
  assert.deepEqual([found.from, found.to], [16, 18]);
});
