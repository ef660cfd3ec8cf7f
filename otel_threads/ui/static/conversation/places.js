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
