// What a part of a message carries beside words: an image, a sound, a film, a file. All of it is hostile:
// kinds are told by the bytes themselves, never by what the sender calls them.

const DATA_LENGTH_MIN = 40; // shorter texts are names and ids
const BASE64 = /^[A-Za-z0-9+/_-\s]+={0,2}\s*$/;
const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)?((?:;[^,;]*)*),(.*)$/s;
// What the store leaves out of long data, with its length (store/derived/payloads.py).
const LEFT_OUT = /^\[… (\d+) characters, whole in span_content\]$/;
const NAMES = ["filename", "file_name", "name", "title"];
const TYPES = ["mime_type", "media_type", "mimeType", "mediaType", "format"];
const DATA = ["content", "data", "file_data", "bytes"]; // short data is data there
const WORDS = ["transcript", "alt", "caption"];
const DEPTH_MAX = 6;

// The first bytes of the kinds that are drawn or played. No SVG: it is a document that may hold scripts.
// Source: WHATWG MIME Sniffing, 6.1 and 6.2.
const SIGNATURES = [
  ["image/png", /^\x89PNG\r\n\x1a\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[^]{4}WEBP/],
  ["image/avif", /^[^]{4}ftypavi[fs]/],
  ["image/bmp", /^BM/],
  ["audio/wav", /^RIFF[^]{4}WAVE/],
  ["audio/ogg", /^OggS/],
  ["audio/flac", /^fLaC/],
  ["audio/mpeg", /^(ID3|\xff[\xfb\xf3\xf2])/],
  ["audio/mp4", /^[^]{4}ftypM4A/],
  ["video/webm", /^\x1a\x45\xdf\xa3/],
  ["video/mp4", /^[^]{4}ftyp/],
  ["application/pdf", /^%PDF-/],
];

/** Return the kind of some bytes, `application/octet-stream` where it is none that is known. */
export function typeOf(bytes) {
  const head = String.fromCharCode(...bytes.subarray(0, 16));
  return SIGNATURES.find(([, signature]) => signature.test(head))?.[0] ?? "application/octet-stream";
}

/** Return the bytes of a text in base64, also of its alphabet for URLs; null where it is none. */
export function bytesOf(text) {
  try {
    const plain = text.replace(/\s/g, "").replaceAll("-", "+").replaceAll("_", "/");
    return Uint8Array.from(atob(plain), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}

function* walk(value, depth = 0) {
  if (depth > DEPTH_MAX || value === null || typeof value !== "object") return;
  for (const [key, one] of Object.entries(value)) {
    if (typeof one === "string") yield [key, one];
    else yield* walk(one, depth + 1);
  }
}

/**
 * Return what a part holds: `{data, leftOut, type, name, words, url}`. `data` is base64, null where the
 * store left it out and `leftOut` is its length; `type` and `name` are the sender's words for it; null
 * where the part holds no data and no address.
 */
export function mediaOf(part) {
  const found = { data: null, leftOut: null, type: null, name: null, words: null, url: null };
  for (const [key, text] of walk(part)) {
    const url = DATA_URL.exec(text);
    const left = LEFT_OUT.exec(text);
    if (url) {
      found.type ??= url[1] ?? null;
      if (/;base64$/i.test(url[2])) found.data ??= url[3];
    } else if (left) found.leftOut ??= Number(left[1]);
    else if (NAMES.includes(key)) found.name ??= text;
    else if (TYPES.includes(key)) found.type ??= text;
    else if (WORDS.includes(key)) found.words ??= text;
    else if (/^https?:\/\//i.test(text)) found.url ??= text;
    else if ((text.length >= DATA_LENGTH_MIN || DATA.includes(key)) && BASE64.test(text)) found.data ??= text;
  }
  return found.data || found.leftOut || found.url ? found : null;
}

/**
 * Return the data of a length that stands in a span's attributes, also inside JSON in them: what the
 * store left out of a message is whole there. null where it is not.
 */
export function dataOf(attributes, length) {
  for (const [, text] of walk(attributes)) {
    const found = within(text, length, 0);
    if (found) return found;
  }
  return null;
}

function within(text, length, depth) {
  if (text.length === length && !/^\s*[[{]/.test(text)) return DATA_URL.exec(text)?.[3] ?? text;
  if (depth > DEPTH_MAX || text.length < length || !/^\s*["[{]/.test(text)) return null;
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  for (const [, one] of walk({ value }, -DEPTH_MAX)) {
    const found = within(one, length, depth + 1);
    if (found) return found;
  }
  return null;
}

/** Return a name for a file that is saved: no path, no dot first, an ending that its bytes have. */
export function fileName(name, type) {
  const ending = type === "application/octet-stream" ? "bin" : type.split("/")[1].replace("jpeg", "jpg").replace("mpeg", "mp3");
  const plain = (name ?? "")
    .split(/[\\/]/)
    .pop()
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069"<>:|?*]/g, "")
    .replace(/^\.+/, "")
    .slice(0, 100);
  if (!plain) return `${type.split("/")[0]}.${ending}`;
  return plain.toLowerCase().endsWith(`.${ending}`) || type === "application/octet-stream" ? plain : `${plain}.${ending}`;
}
