import assert from "node:assert/strict";
import test from "node:test";
import { ioOf, stepsOf, valueAt } from "./static/conversation/paths.js";

test("a path has names, numbers from either end, and quoted names", () => {
  assert.deepEqual(stepsOf("inputs.messages[-1].content"), ["inputs", "messages", -1, "content"]);
  assert.deepEqual(stepsOf('$.a["b.c"][0]'), ["a", "b.c", 0]);
  assert.deepEqual(stepsOf("a['it\\'s']['say \"hi\"']"), ["a", "it's", 'say "hi"']);
});

test("a wrong path says where", () => {
  assert.throws(() => stepsOf(""), /Write a path/);
  assert.throws(() => stepsOf("a..b"), /Position/);
  assert.throws(() => stepsOf("a[b]"), /Position 2/);
  assert.throws(() => stepsOf(Array(60).fill("a").join(".")), /More than 50 steps/);
});

test("values are found in JSON inside of texts, and nowhere else", () => {
  const value = { inputs: '{"messages": [{"content": "first"}, {"content": "last"}]}' };
  assert.equal(valueAt(value, "inputs.messages[-1].content"), "last");
  assert.equal(valueAt(value, "inputs.messages[5].content"), undefined);
  assert.equal(valueAt(value, "inputs.constructor"), undefined);
  assert.equal(valueAt({ a: [1] }, "a.length"), 1); // an own property of a list
});

test("flattened attributes become the structure that they describe", () => {
  const span = {
    attributes: {
      "llm.input_messages.1.message.content": "second",
      "llm.input_messages.0.message.content": "first",
      "llm.output_messages.0.__proto__.polluted": "yes",
    },
  };
  const { inputs } = ioOf(span);
  assert.deepEqual(inputs, [{ message: { content: "first" } }, { message: { content: "second" } }]);
  assert.equal({}.polluted, undefined);
});

test("the plainest attribute wins", () => {
  const span = { attributes: { input: "late", "input.value": '{"q": 1}' } };
  assert.deepEqual(ioOf(span).inputs, { q: 1 });
  assert.equal(ioOf(span).outputs, undefined);
});
