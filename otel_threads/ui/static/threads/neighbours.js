// The threads before and after one, in the list that it was opened from.
import { get } from "../lib/api.js";
import { useEffect, useState } from "../lib/html.js";
import { last } from "./loaded.js";
import { DEFAULT_SORT, keyOf, questionOf } from "./selection.js";
import { openThread } from "./table.js";

const LIMIT = 200;

/** Return `{previous, next, open(thread), forget(thread)}`; previous and next are null at the ends. */
export function useNeighbours(key, list) {
  const [items, setItems] = useState(last.items);
  const about = keyOf(key);
  const at = items.findIndex((thread) => keyOf(thread) === about);
  const cursor = items === last.items ? last.cursor : null;
  useEffect(() => {
    const isLast = at === items.length - 1;
    if (at >= 0 && !(isLast && cursor)) return undefined;
    const stop = new AbortController();
    const question = { ...questionOf(list, Date.now()), sort: list.sort || DEFAULT_SORT, limit: LIMIT };
    get(
      "/threads",
      isLast && at >= 0
        ? { ...JSON.parse(last.about)[0], sort: question.sort, limit: LIMIT, cursor }
        : question,
      stop.signal,
    ).then(
      (page) => {
        if (at < 0) return setItems(page.items);
        last.items = [...last.items, ...page.items];
        last.cursor = page.next_cursor;
        return setItems(last.items);
      },
      () => {}, // without a list there is no next thread, and that is all
    );
    return () => stop.abort();
  }, [about]);
  return {
    previous: at > 0 ? items[at - 1] : null,
    next: at >= 0 ? (items[at + 1] ?? null) : null,
    open: (thread) => {
      last.current = last.items.findIndex((one) => keyOf(one) === keyOf(thread));
      openThread(thread, list);
    },
    forget: (gone) => {
      last.items = last.items.filter((one) => keyOf(one) !== keyOf(gone));
    },
  };
}
