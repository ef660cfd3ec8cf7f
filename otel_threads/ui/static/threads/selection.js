// What the list shows: from the address of the page to the question for the API.
import { linkTo } from "../lib/route.js";

export const DEFAULT_SORT = "-last_activity_time";
export const RANGES = {
  __proto__: null,
  "15m": ["Last 15 minutes", 900e3],
  "1h": ["Last hour", 3600e3],
  "24h": ["Last 24 hours", 86400e3],
  "7d": ["Last 7 days", 7 * 86400e3],
  "30d": ["Last 30 days", 30 * 86400e3],
};
const MOMENT = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

/** Return the time range of an address in words. */
export function rangeLabel({ range, from, to }) {
  if (RANGES[range]) return RANGES[range][0];
  const at = (time) => (Number.isNaN(Date.parse(time)) ? time : MOMENT.format(new Date(time)));
  if (from && to) return `${at(from)} – ${at(to)}`;
  return from ? `Since ${at(from)}` : to ? `Until ${at(to)}` : "All time";
}

// Which parameters of the address select threads; the others only say how they are shown.
export const SELECTING = ["project", "filter", "search", "status", "range", "from", "to", "sort"];

/** Return the API's parameters of a selection. A range counts back from `now`, to the minute. */
export function questionOf(params, now) {
  const range = RANGES[params.range];
  return {
    project: params.project || ALL,
    filter: params.filter,
    search: params.search,
    status: params.status,
    from: range ? new Date(Math.floor((now - range[1]) / 60e3) * 60e3).toISOString() : params.from,
    to: range ? null : params.to,
  };
}

/** Return the address of a thread; `list` is the selection that it was found in: by words, it opens at them. */
export function threadLink(thread, list) {
  return linkTo("thread", {
    project: thread.project,
    thread_id: thread.thread_id,
    find: list.search,
    list: textOf(list),
  });
}

const ALL = "*"; // projects

/** Return a list as an address carries it: what it selects and how it is shown, always in one order. */
export function textOf(list) {
  const whole = { ...list, project: list.project || ALL };
  const given = [...SELECTING, "columns"].map((name) => [name, whole[name]]);
  return new URLSearchParams(given.filter(([, value]) => value)).toString();
}

/** Return the list that an address carries in `list`; without one, that of its project. */
export function listOf({ list, project }) {
  if (!list) return { project };
  const { project: of, ...more } = Object.fromEntries(new URLSearchParams(list));
  return of === ALL ? more : { project: of, ...more };
}

/** Return what identifies a thread in this page. */
export const keyOf = (thread) => JSON.stringify([thread.project, thread.thread_id]);

/** Return a text of the filter language. */
export const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

/** Return a filter that selects exactly these threads. */
export function filterOf(threads) {
  return [...byProject(threads)]
    .map(
      ([project, ids]) => `(project = ${quoted(project)} and thread_id in (${ids.map(quoted).join(", ")}))`,
    )
    .join(" or ");
}

/** Return thread ids by project. */
export function byProject(threads) {
  const found = new Map();
  for (const { project, thread_id } of threads) {
    found.set(project, [...(found.get(project) ?? []), thread_id]);
  }
  return found;
}

/** Return filters joined by and; those that are empty are left out. */
export function allOf(...filters) {
  const given = filters.filter(Boolean);
  return given.length > 1 ? given.map((one) => `(${one})`).join(" and ") : (given[0] ?? "");
}

/** Return the whole selection as one filter, for a saved view. A time range is not part of it. */
export function asFilter(params) {
  const text = params.search && quoted(params.search);
  return allOf(
    params.filter,
    params.status && `status = ${quoted(params.status)}`,
    text && `thread_id contains ${text} or any_message contains ${text}`,
  );
}
