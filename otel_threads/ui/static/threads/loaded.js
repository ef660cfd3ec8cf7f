// The threads that are loaded: page after page, and kept up to date by events without jumping.
import { follow, get } from "../lib/api.js";
import { useCallback, useEffect, useRef, useState } from "../lib/html.js";
import { allOf, filterOf, keyOf } from "./selection.js";

const FIRST_LIMIT = 60;
const NEXT_LIMIT = 200;
const CHECK_MS = 1000; // changed threads are asked about together
const CHECKED_MAX = 40; // so many ids fit a filter, and more than that is simply "many"
const FRESH_MS = 2500;
const LIMIT_MAX = 1000; // of the API

// The list that was seen last, for the way back and for the next thread.
export const last = { list: "", about: null, items: [], cursor: null, scroll: 0, current: -1 };

/** Return the loaded threads of a question with what to do about them. */
export function useThreads(question, sort) {
  const about = JSON.stringify([question, sort]);
  const [state, setState] = useState(() =>
    last.about === about
      ? { about, items: last.items, cursor: last.cursor, loading: false, error: null }
      : { about, items: [], cursor: undefined, loading: true, error: null },
  );
  const [round, setRound] = useState(0);
  const asking = useRef(null);

  useEffect(() => {
    if (last.about === about && round === 0) return undefined;
    const stop = new AbortController();
    asking.current = stop;
    setState((s) => ({ ...s, about, loading: true, error: null }));
    get("/threads", { ...question, sort, limit: FIRST_LIMIT }, stop.signal).then(
      (page) => setState({ about, items: page.items, cursor: page.next_cursor, loading: false, error: null }),
      (error) =>
        error.name !== "AbortError" &&
        setState((s) => ({
          ...s,
          loading: false,
          error,
          items: error.status === 400 ? s.items : [],
          cursor: null,
        })),
    );
    return () => stop.abort();
  }, [about, round]);

  const more = useCallback(() => {
    if (!state.cursor || state.loading || state.error) return;
    setState((s) => ({ ...s, loading: true }));
    const stop = asking.current ?? new AbortController();
    asking.current = stop;
    get("/threads", { ...question, sort, limit: NEXT_LIMIT, cursor: state.cursor }, stop.signal).then(
      (page) =>
        setState((s) => {
          const known = new Set(s.items.map(keyOf));
          return {
            ...s,
            items: [...s.items, ...page.items.filter((t) => !known.has(keyOf(t)))],
            cursor: page.next_cursor,
            loading: false,
          };
        }),
      (error) => error.name !== "AbortError" && setState((s) => ({ ...s, loading: false, error })),
    );
  }, [state, about]);

  useEffect(() => {
    if (!state.loading && !state.error && state.about === about)
      Object.assign(last, { about, items: state.items, cursor: state.cursor });
  }, [state]);
  const again = useCallback(() => {
    last.about = null;
    setRound((n) => n + 1);
  }, []);
  const change = useCallback((act) => setState((s) => ({ ...s, items: act(s.items) })), []);
  return { ...state, more, again, change, round, isCurrent: state.about === about };
}

/**
 * Follow changes: threads in the list are drawn anew where they stand; of others, `news` counts
 * those that the question selects.
 */
export function useLive(question, sort, threads) {
  const [state, setState] = useState("waiting");
  const [news, setNews] = useState(() => new Set());
  const [returns, setReturns] = useState(0);
  const [views, setViews] = useState(0); // how often a saved view changed
  const fresh = useRef(new Map());
  const items = useRef(threads.items);
  items.current = threads.items;
  const wasKept = useRef(!threads.loading); // from before a visit to another page
  const failed = useRef(false);
  failed.current = Boolean(threads.error) && threads.error.status !== 400;
  const whole = useRef(false);
  whole.current = !threads.cursor;
  const about = JSON.stringify(question);
  useEffect(() => setNews(new Set()), [about, sort, threads.round]);
  useEffect(() => {
    const stop = new AbortController();
    const unknown = new Map();
    let timer = 0;
    const check = async () => {
      timer = 0;
      const asked = [...unknown.values()].slice(0, CHECKED_MAX);
      unknown.clear();
      try {
        const found = await get(
          "/threads",
          { ...question, filter: allOf(question.filter, filterOf(asked)), limit: CHECKED_MAX },
          stop.signal,
        );
        const here = new Set(items.current.map(keyOf));
        const added = found.items.map(keyOf).filter((key) => !here.has(key));
        if (added.length) setNews((old) => new Set([...old, ...added]));
      } catch {
        // The filter is wrong or the server is away: the list itself tells so.
      }
    };
    // What changed while nobody listened: the loaded part of the list, asked for once more. What
    // stands below its end is not new, only not loaded yet.
    const missed = async () => {
      setReturns((n) => n + 1);
      if (failed.current) {
        threads.again();
        return;
      }
      const limit = Math.min(LIMIT_MAX, items.current.length + NEXT_LIMIT);
      try {
        const page = await get("/threads", { ...question, sort, limit }, stop.signal);
        const now = new Map(page.items.map((thread) => [keyOf(thread), thread]));
        threads.change((all) => all.map((thread) => now.get(keyOf(thread)) ?? thread));
        const here = new Set(items.current.map(keyOf));
        const keys = [...now.keys()];
        const known = whole.current ? keys.length : keys.findLastIndex((key) => here.has(key)) + 1;
        setNews((old) => new Set([...old, ...keys.slice(0, known).filter((key) => !here.has(key))]));
      } catch {
        // As above.
      }
    };
    follow(
      question.project,
      {
        state: (now) => {
          setState(now);
          if (now === "live" && wasKept.current) missed();
          wasKept.current = false;
        },
        missed,
        thread: (thread) => {
          const key = keyOf(thread);
          if (items.current.some((t) => keyOf(t) === key)) {
            fresh.current.set(key, Date.now() + FRESH_MS);
            threads.change((all) => all.map((t) => (keyOf(t) === key ? thread : t)));
          } else {
            unknown.set(key, thread);
            timer ||= setTimeout(check, CHECK_MS);
          }
        },
        view: () => setViews((n) => n + 1),
        deleted: (gone) => threads.change((all) => all.filter((t) => keyOf(t) !== keyOf(gone))),
      },
      stop.signal,
    );
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [about, sort]);
  const isFresh = (thread) => (fresh.current.get(keyOf(thread)) ?? 0) > Date.now();
  return { state, news: news.size, isFresh, returns, views };
}
