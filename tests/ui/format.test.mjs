import assert from "node:assert/strict";
import test from "node:test";
import * as format from "./static/lib/format.js";

test("what is unknown is a dash, never 0", () => {
  for (const write of [format.number, format.short, format.usd, format.duration, format.share]) {
    assert.equal(write(null), format.NOTHING);
    assert.equal(write(undefined), format.NOTHING);
  }
  assert.equal(format.when(null), format.NOTHING);
});

test("numbers are whole up to 9,999 and short above", () => {
  assert.equal(format.short(9_999), "9,999");
  assert.equal(format.short(10_000), "10K");
  assert.equal(format.short(1_234_567), "1.2M");
  assert.equal(format.number(1_234_567.891), "1,234,567.89");
});

test("dollars keep the digits that tell something", () => {
  assert.equal(format.usd(0), "$0");
  assert.equal(format.usd(0.0000654), "$0.000065");
  assert.equal(format.usd(0.5), "$0.50");
  assert.equal(format.usd(12.345), "$12.35");
  assert.equal(format.usd(1234), "$1.2K");
});

test("durations have the unit that people read", () => {
  const cases = [
    [0.123, "0.12 ms"],
    [850, "850 ms"],
    [1_234, "1.23 s"],
    [12_345, "12.3 s"],
    [185_000, "3m 05s"],
    [7_800_000, "2h 10m"],
    [3 * 86_400_000 + 4 * 3_600_000, "3d 4h"],
  ];
  for (const [ms, text] of cases) assert.equal(format.duration(ms), text);
});

test("nothing is hidden in a line of text", () => {
  assert.equal(format.oneLine("a\nb\tc"), "a b c");
  assert.equal(format.oneLine("\u202Eevil\u2066"), "⟨202E⟩evil⟨2066⟩");
  assert.equal(format.oneLine("\u001b[31mred"), "⟨1B⟩[31mred");
  assert.equal(format.oneLine("x".repeat(500), 10), `${"x".repeat(10)}…`);
  assert.equal(format.oneLine(null), "");
});

test("a moment is short by how long ago it is", () => {
  const now = Date.parse("2026-06-15T12:00:00Z");
  assert.equal(format.when("2026-06-15T11:59:40Z", now), "just now");
  assert.equal(format.when("2026-06-15T11:50:00Z", now), "10 min ago");
  assert.match(format.when("2026-06-01T08:30:00Z", now), /Jun 1|1 Jun/);
  assert.match(format.when("2024-06-01T08:30:00Z", now), /2024/);
});

test("words are counted", () => {
  assert.equal(format.count(1, "turn"), "1 turn");
  assert.equal(format.count(2_000, "turn"), "2,000 turns");
  assert.equal(format.count(2, "reply", "replies"), "2 replies");
  assert.equal(format.count(12_345, "token", "tokens", format.short), "12.3K tokens");
});

test("Markdown in a list is read, not written", () => {
  const plain = (text) => format.plainOf(text).replace(/\s+/g, " ").trim();
  assert.equal(plain("**Bold** and `code` and [a link](https://x.y)"), "Bold and code and a link");
  assert.equal(plain("# Title\n\n- one\n- [x] two\n1. three"), "Title one two three");
  assert.equal(plain("> said *so*\n```python\nx = 1\n```"), "said so x = 1");
  assert.equal(plain("2 * 3 * 4 and snake_case_name"), "2 * 3 * 4 and snake_case_name");
  assert.equal(plain("| a | b |\n| --- | --- |\n| 1 | 2 |"), "| a | b | | 1 | 2 |");
});
