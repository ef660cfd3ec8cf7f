import assert from "node:assert/strict";
import test from "node:test";
import { actOf, askedOf, choicesOf, howOf } from "./static/review/answers.js";

const STARS = { name: "stars", kind: "numeric", min: 1, max: 5, categories: null };
const SOLVED = { name: "solved", kind: "boolean", min: null, max: null, categories: null };
const TONE = { name: "tone", kind: "categorical", categories: [{ label: "kind", value: 1 }, { label: "curt", value: null }] };

test("digits give stars, y and n a yes and a no, digits a category", () => {
  assert.deepEqual(actOf("4", STARS), { give: { name: "stars", value: 4, category: null } });
  assert.deepEqual(actOf("y", SOLVED), { give: { name: "solved", value: 1, category: null } });
  assert.deepEqual(actOf("n", SOLVED), { give: { name: "solved", value: 0, category: null } });
  assert.deepEqual(actOf("2", TONE), { give: { name: "tone", value: null, category: "curt" } });
});

test("n is the next thread where no yes or no is asked", () => {
  assert.deepEqual(actOf("n", STARS), { next: true });
  assert.deepEqual(actOf("n", null), { next: true });
  assert.deepEqual(actOf("Enter", SOLVED), { next: true });
  assert.equal(actOf("9", STARS), null);
  assert.equal(actOf("y", STARS), null);
});

test("a score without a definition has 1 to 5, a wide range no keys", () => {
  assert.deepEqual(choicesOf(howOf("free", [STARS])).map((one) => one.key), ["1", "2", "3", "4", "5"]);
  assert.deepEqual(choicesOf({ ...STARS, min: 0, max: 100 }), []);
  assert.deepEqual(choicesOf({ ...STARS, min: 0, max: 1 }).map((one) => one.value), [0, 0.25, 0.5, 0.75, 1]);
});

test("scores are asked in their order", () => {
  assert.equal(askedOf(["a", "b"], {}), "a");
  assert.equal(askedOf(["a", "b"], { a: {} }), "b");
  assert.equal(askedOf(["a", "b"], { a: {}, b: {} }), null);
});
