// The threads before and after one, in the list that it was opened from.
import { get } from "../lib/api.js";
import { useEffect, useState } from "../lib/html.js";
import { last } from "./loaded.js";
import { DEFAULT_SORT, keyOf, questionOf, textOf } from "./selection.js";
import { openThread } from "./table.js";

const LIMIT = 200;

/** Return `{previous, next, open(thread), forget(thread)}`; previous and next are null at the ends. */
export function useNeighbours(key, list) {
  const text = textOf({ ...list, columns: "" });
  const [items, setItems] = useState(last.list === text ? last.items : []);
  const about = keyOf(key);
  const at = items.findIndex((thread) => keyOf(thread) === about);
  useEffect(() => {
    const isHere = at >= 0;
    if (isHere && !(at === items.length - 1 && last.cursor)) return undefined;
    const stop = new AbortController();
    const sort = list.sort || DEFAULT_SORT;
    const question = isHere ? JSON.parse(last.about)[0] : questionOf(list, Date.now());
    const cursor = isHere ? last.cursor : null;
    get("/threads", { ...question, sort, limit: LIMIT, cursor }, stop.signal).then(
      (page) => {
        Object.assign(last, {
          list: text,
          about: JSON.stringify([question, sort]),
          items: isHere ? [...last.items, ...page.items] : page.items,
          cursor: page.next_cursor,
        });
        setItems(last.items);
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
