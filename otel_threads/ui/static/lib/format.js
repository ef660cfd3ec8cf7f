// Numbers, times and texts as people read them; exact values belong into titles.
const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const EXACT = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "long",
  fractionalSecondDigits: undefined,
});
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const YEAR = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
export const NOTHING = "–";

const known = (value) => value !== null && value !== undefined;

/** Return 1234567 as "1,234,567". */
export const number = (value) => (known(value) ? NUMBER.format(value) : NOTHING);

/** Return 1234567 as "1.2M"; up to 9,999 in full. */
export const short = (value) =>
  !known(value) ? NOTHING : Math.abs(value) < 10_000 ? NUMBER.format(Math.round(value)) : SHORT.format(value);

/** Return US dollars with as many digits as tell something. */
export function usd(value) {
  if (!known(value)) return NOTHING;
  if (value === 0) return "$0";
  if (Math.abs(value) >= 100) return `$${SHORT.format(value)}`;
  const digits = Math.abs(value) >= 1 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(Math.abs(value))));
  return `$${value.toFixed(digits)}`;
}

/** Return milliseconds as "850 ms", "1.2 s", "3m 05s", "2h 10m", "3d 4h". */
export function duration(ms) {
  if (!known(ms)) return NOTHING;
  const size = Math.abs(ms);
  if (size < 1) return `${Number(ms.toFixed(2))} ms`;
  if (size < 1000) return `${Math.round(ms)} ms`;
  if (size < 60_000) return `${(ms / 1000).toFixed(size < 10_000 ? 2 : 1)} s`;
  const pad = (value) => String(Math.floor(value)).padStart(2, "0");
  if (size < 3_600_000) return `${Math.floor(ms / 60_000)}m ${pad((ms / 1000) % 60)}s`;
  if (size < 86_400_000) return `${Math.floor(ms / 3_600_000)}h ${pad((ms / 60_000) % 60)}m`;
  return `${Math.floor(ms / 86_400_000)}d ${Math.floor((ms / 3_600_000) % 24)}h`;
}

/** Return a share as "12.3%". */
export const share = (value) => (known(value) ? `${NUMBER.format(value * 100)}%` : NOTHING);

/** Return a size as "1.2 MB". */
export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; value >= 1000 && unit < 4; unit += 1) value /= 1000;
  return `${NUMBER.format(Number(value.toFixed(1)))} ${units[unit]}`;
}

/** Return a moment in the viewer's zone, short by how long ago it is. */
export function when(time, now = Date.now()) {
  if (!time) return NOTHING;
  const date = new Date(time);
  const ago = now - date;
  if (ago >= 0 && ago < 45_000) return "just now";
  if (ago >= 0 && ago < 3_600_000) return `${Math.max(1, Math.round(ago / 60_000))} min ago`;
  if (DAY.format(date) === DAY.format(now) && Math.abs(ago) < 86_400_000) return CLOCK.format(date);
  const near = Math.abs(ago) < 300 * 86_400_000;
  return near ? `${DAY.format(date)}, ${MINUTE.format(date)}` : YEAR.format(date);
}

/** Return the clock time of a moment, to the second. */
export const clock = (time) => (time ? CLOCK.format(new Date(time)) : NOTHING);

/** Return the clock time of a moment, to the minute. */
export const minute = (time) => (time ? MINUTE.format(new Date(time)) : NOTHING);

/** Return a moment whole: in the viewer's zone, and as it is stored. */
export const exact = (time) => (time ? `${EXACT.format(new Date(time))}\n${time}` : "unknown");

// Characters that turn, hide or break a line of text: shown by their code instead.
// Source: Unicode, UAX #9, explicit directional formatting; C0 and C1 controls.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** Return a text on one line in which nothing is hidden: ids, names, tags. */
export function oneLine(text, lengthMax = 400) {
  if (!known(text)) return "";
  const cut = String(text).slice(0, lengthMax);
  const seen = cut.replace(UNSEEN, (c) =>
    /[\n\r\t]/.test(c) ? " " : `⟨${c.codePointAt(0).toString(16).toUpperCase()}⟩`,
  );
  return String(text).length > lengthMax ? `${seen}…` : seen;
}

/** Return a beginning of Markdown without its marks, for a line of a list. */
export const plainOf = (text) =>
  text
    .replace(/^[ \t]*(```[^\n]*|#{1,6}[ \t]+|>[ \t]?|\|?[ \t:|-]+\|[ \t:|-]*$)/gm, "")
    .replace(/^[ \t]*([-*+]|\d+[.)])[ \t]+(\[[ xX]\][ \t]+)?/gm, "")
    .replace(/!?\[([^\]\n]{0,300})\]\([^()\s]{0,600}\)/g, "$1")
    .replace(/(\*\*|__|~~|`)(?=\S)([^\n*_~`]{0,300}\S)\1/g, "$2")
    .replace(/(^|\s)[*_](?=\S)([^*_\n]{0,300})[*_](?=\s|[.,;:!?]|$)/g, "$1$2");

/** Return "1 turn", "2 turns"; `write` writes the number. */
export const count = (n, word, plural = `${word}s`, write = number) => `${write(n)} ${n === 1 ? word : plural}`;
