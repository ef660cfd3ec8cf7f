import assert from "node:assert/strict";
import test from "node:test";
import { bytesOf, dataOf, fileName, mediaOf, typeOf } from "./static/lib/media.js";

const PNG = `iVBORw0KGgo${"A".repeat(61)}`;

test("data is found however a sender nests it", () => {
  for (const part of [
    { type: "blob", modality: "image", mime_type: "image/png", content: PNG },
    { type: "image", image_url: { url: `data:image/png;base64,${PNG}` } },
    { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
    { inline_data: { mime_type: "image/png", data: PNG } },
  ]) {
    const found = mediaOf(part);
    assert.equal(found.data, PNG);
    assert.equal(found.type, "image/png");
  }
});

test("what the store left out is known by its length, and found in the span", () => {
  const left = mediaOf({ type: "blob", mime_type: "image/png", content: `[… ${PNG.length} characters, whole in span_content]` });
  assert.equal(left.data, null);
  assert.equal(left.leftOut, PNG.length);
  const messages = JSON.stringify([{ role: "user", parts: [{ type: "blob", content: PNG }] }]);
  assert.equal(dataOf({ other: "x", "gen_ai.input.messages": messages }, PNG.length), PNG);
  const inner = JSON.stringify({ content: JSON.stringify({ url: `data:image/png;base64,${PNG}` }) });
  assert.equal(dataOf({ a: inner }, `data:image/png;base64,${PNG}`.length), PNG);
  assert.equal(dataOf({ a: "[broken" }, 7), null);
});

test("an address is an address, and nothing is nothing", () => {
  assert.equal(mediaOf({ type: "uri", uri: "https://example.com/a.jpg" }).url, "https://example.com/a.jpg");
  assert.equal(mediaOf({ type: "image", id: "x" }), null);
  assert.equal(mediaOf(null), null);
});

test("the bytes say what it is, not the sender", () => {
  assert.equal(typeOf(bytesOf(PNG)), "image/png");
  assert.equal(typeOf(bytesOf(btoa("<svg onload=alert(1)>"))), "application/octet-stream");
  assert.equal(typeOf(bytesOf(btoa("<html><script>"))), "application/octet-stream");
  assert.equal(typeOf(bytesOf(btoa("RIFF....WAVEfmt "))), "audio/wav");
  assert.equal(bytesOf("no base64 at all!"), null);
});

test("a file's name leads nowhere, and ends as its bytes are", () => {
  assert.equal(fileName("../../etc/passwd", "application/octet-stream"), "passwd");
  assert.equal(fileName("photo.html", "image/png"), "photo.html.png");
  assert.equal(fileName("a\u202egpj.exe", "image/jpeg"), "agpj.exe.jpg");
  assert.equal(fileName(null, "audio/mpeg"), "audio.mp3");
  assert.equal(fileName("report.pdf", "application/pdf"), "report.pdf");
});
