// What an outline says: where turns stand in time, which of them failed, which is the next of some.
const MARK_MIN = 0.25; // of the strip's width in percent

/** Return the turns that something is wrong with, by index. */
export const failedOf = (outline) =>
  outline.filter((one) => one.error || one.failed_tool_call_count).map((one) => one.turn_index);

/** Return the item after (before, with by = -1) a turn, going round; null where there is none. */
export function nextOf(indexes, at, by) {
  if (!indexes.length) return null;
  const on = by > 0 ? indexes.find((one) => one > at) : indexes.findLast((one) => one < at);
  return on ?? indexes[by > 0 ? 0 : indexes.length - 1];
}

/** Return the hits of a search, `[turn, message]`, in the order of the conversation. */
export const hitsOf = (outline) => outline.flatMap((one) => one.hits.map((message) => [one.turn_index, message]));

/** Return the hit after (before, with by = -1) the one of an index, -1 for turn `at`; it goes round. */
export function nextHit(hits, index, at, by) {
  const ahead = hits.findIndex(([turn]) => turn >= at);
  const from = ahead < 0 ? hits.length : ahead;
  const next = index >= 0 ? index + by : by > 0 ? from : from - 1;
  return hits[(next + hits.length) % hits.length];
}

/** Return the places of turns in time: `{index, left, width}` in percent. */
export function placesOf(outline) {
  if (!outline.length) return [];
  const times = outline.map((one) => Date.parse(one.start_time));
  const ends = outline.map((one, i) => times[i] + one.duration_ms);
  const start = Math.min(...times);
  const length = Math.max(1, Math.max(...ends) - start);
  return outline.map((one, i) => ({
    index: one.turn_index,
    left: ((times[i] - start) / length) * 100,
    width: Math.max(MARK_MIN, (one.duration_ms / length) * 100),
  }));
}
