// The columns of the list: how each is called, sorted and drawn.
import { NOTHING, count, duration, exact, number, oneLine, plainOf, short, usd, when } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { ScoreChip, TurnScoreChip } from "../annotations/scores.js";

const FEW = 3;

function Words({ text }) {
  return text
    ? html`<span title=${oneLine(text, 1000)} dir="auto">${oneLine(plainOf(text.slice(0, 600)), 300)}</span>`
    : html`<span class="faint">${NOTHING}</span>`;
}

function Few({ items, kind = "tag" }) {
  if (!items.length) return html`<span class="faint">${NOTHING}</span>`;
  return html`<span title=${items.map((one) => oneLine(one)).join("\n")}>
    ${items.slice(0, FEW).map((one) => html`<span class=${kind} key=${one}><bdi>${oneLine(one, 60)}</bdi></span>`)}
    ${items.length > FEW && html`<span class="faint">+${items.length - FEW}</span>`}</span>`;
}

/** Tokens and cost of a thread or a trace, as far as they are known. */
export const Sums = ({ of: { usage, cost_usd, cost_source } }) =>
  html`${usage.total_tokens !== null &&
  html`<span title="${number(usage.input_tokens)} in, ${number(usage.output_tokens)} out">${count(usage.total_tokens, "token", "tokens", short)}</span>`}
  ${cost_usd !== null && html`<span title="$${cost_usd}, ${cost_source}">${usd(cost_usd)}</span>`}`;

/** Whether a thread is active, in a word and a colour. */
export const Status = ({ status }) => html`<span class="status ${status}"><i></i>${status}</span>`;

const amount = (id, label, read, width = 88) => ({
  id,
  label,
  width,
  sort: id,
  align: "right",
  text: (t) => short(read(t)),
  title: (t) => `${label}: ${number(read(t))}`,
});
const time = (id, label) => ({
  id,
  label,
  width: 136,
  sort: id,
  align: "right",
  text: (t) => when(t[id]),
  title: (t) => exact(t[id]),
});
const few = (id, label, width, kind) => ({
  id,
  label,
  width,
  draw: (t) => html`<${Few} items=${t[id]} kind=${kind} />`,
});

export const COLUMNS = [
  { id: "project", label: "Project", width: 100, sort: "project", text: (t) => oneLine(t.project) },
  { id: "thread_id", label: "Thread", width: 140, sort: "thread_id", text: (t) => oneLine(t.thread_id) },
  {
    id: "first_message",
    label: "First message",
    width: 180,
    draw: (t) => html`<${Words} text=${t.first_message} />`,
  },
  {
    id: "last_message",
    label: "Last message",
    width: 180,
    draw: (t) => html`<${Words} text=${t.last_message} />`,
  },
  { id: "status", label: "Status", width: 84, draw: (t) => html`<${Status} status=${t.status} />` },
  amount("turn_count", "Turns", (t) => t.turn_count, 70),
  {
    id: "error_count",
    label: "Errors",
    width: 76,
    sort: "error_count",
    align: "right",
    title: (t) => count(t.error_count, "error"),
    draw: (t) =>
      t.error_count
        ? html`<span class="bad"><${Icon} name="error" size=${12} /> ${short(t.error_count)}</span>`
        : html`<span class="faint">0</span>`,
  },
  {
    id: "last_error",
    label: "Last error",
    width: 140,
    draw: (t) =>
      t.last_error
        ? html`<span class="bad" title=${oneLine(t.last_error, 400)} dir="auto">${oneLine(t.last_error, 200)}</span>`
        : html`<span class="faint">${NOTHING}</span>`,
  },
  {
    id: "duration_ms",
    label: "Duration",
    width: 86,
    sort: "duration_ms",
    align: "right",
    text: (t) => duration(t.duration_ms),
    title: (t) => `${number(t.duration_ms)} ms`,
  },
  {
    id: "usage.total_tokens",
    label: "Tokens",
    width: 78,
    sort: "usage.total_tokens",
    align: "right",
    text: (t) => short(t.usage.total_tokens),
    title: (t) =>
      `${number(t.usage.input_tokens)} in, ${number(t.usage.output_tokens)} out, ${number(t.usage.cache_read_tokens)} from cache`,
  },
  {
    id: "cost_usd",
    label: "Cost",
    width: 116,
    sort: "cost_usd",
    align: "right",
    text: (t) => (t.cost_is_partial ? "≥ " : "") + usd(t.cost_usd),
    title: (t) =>
      t.cost_usd === null
        ? "unknown"
        : `$${t.cost_usd}, ${t.cost_source}${t.cost_is_partial ? "; the cost of some calls is unknown" : ""}`,
  },
  {
    id: "scores",
    label: "Scores",
    width: 190,
    draw: (t) => {
      const below = Object.entries(t.turn_scores);
      if (!t.scores.length && !below.length) return html`<span class="faint">${NOTHING}</span>`;
      return html`${t.scores.slice(0, FEW).map((s) => html`<${ScoreChip} score=${s} key=${s.name} />`)}${
        below.slice(0, FEW).map(([name, scores]) => html`<${TurnScoreChip} name=${name} scores=${scores} key=${name} />`)}`;
    },
  },
  few("tags", "Tags", 120, "tag"),
  few("users", "Users", 110, "plain-item"),
  few("models", "Models", 150, "plain-item"),
  few("providers", "Providers", 100, "plain-item"),
  few("services", "Services", 110, "plain-item"),
  few("environments", "Environments", 110, "plain-item"),
  amount("trace_count", "Traces", (t) => t.trace_count, 74),
  amount("span_count", "Spans", (t) => t.span_count, 74),
  amount("message_count", "Messages", (t) => t.message_count, 90),
  amount("comment_count", "Comments", (t) => t.comment_count, 98),
  amount("usage.input_tokens", "Input tokens", (t) => t.usage.input_tokens, 108),
  amount("usage.output_tokens", "Output tokens", (t) => t.usage.output_tokens, 116),
  time("first_activity_time", "First activity"),
  time("last_activity_time", "Last activity"),
];
export const DEFAULT_COLUMNS = [
  "thread_id",
  "first_message",
  "status",
  "last_activity_time",
  "turn_count",
  "error_count",
  "last_error",
  "duration_ms",
  "usage.total_tokens",
  "cost_usd",
  "scores",
  "last_message",
  "tags",
  "users",
  "models",
];
const BY_ID = new Map(COLUMNS.map((column) => [column.id, column]));
export const WIDTH_MIN = 56;
const WIDTH_MAX = 900;

/** Return the column of an id; `scores.NAME` and `metadata.KEY` are columns too. */
export function columnOf(id) {
  const known = BY_ID.get(id);
  if (known) return known;
  const [kind, name] = id.split(/\.(.*)/s);
  if (kind === "scores" && name) {
    return {
      id,
      label: oneLine(name, 60),
      width: 100,
      sort: id,
      align: "right",
      draw: (t) => {
        const score = t.scores.find((s) => s.name === name);
        return score
          ? html`<${ScoreChip} score=${score} bare />`
          : html`<span class="faint">${NOTHING}</span>`;
      },
    };
  }
  if (kind === "turn_scores" && name) {
    return {
      id,
      label: `${oneLine(name, 60)} of turns`,
      width: 100,
      sort: id,
      align: "right",
      draw: (t) =>
        t.turn_scores[name]
          ? html`<${TurnScoreChip} name=${name} scores=${t.turn_scores[name]} bare />`
          : html`<span class="faint">${NOTHING}</span>`,
    };
  }
  if (kind === "metadata" && name) {
    return { id, label: oneLine(name, 60), width: 120, text: (t) => oneLine(t.metadata[name] ?? NOTHING) };
  }
  return null;
}

/** Return `[{column, width}]` of what an address says, as in `thread_id:240,cost_usd`. */
export function columnsOf(text, everyProject) {
  const wanted = text ? text.split(",").map(decoded) : [...DEFAULT_COLUMNS];
  if (!text && everyProject) wanted.splice(0, 0, "project");
  const found = wanted.map((one) => {
    const [, id, width] = /^(.*?)(?::(\d+))?$/s.exec(one);
    const column = columnOf(id);
    return column && { column, width: clamp(width ? Number(width) : column.width) };
  });
  return found.filter(Boolean);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return ""; // no column is called so
  }
}

/** Return a width within what a column may have. */
export const clamp = (width) => Math.round(Math.max(WIDTH_MIN, Math.min(WIDTH_MAX, width)));

/** Return columns as an address says them; empty for the default. */
export function columnsText(columns, everyProject) {
  const text = columns
    .map(({ column, width }) => encodeURIComponent(column.id) + (width === column.width ? "" : `:${width}`))
    .join(",");
  const usual = [...(everyProject ? ["project"] : []), ...DEFAULT_COLUMNS].join(",");
  return text === usual ? "" : text;
}
