// Asking the server from a component: what came, what is awaited, what went wrong.
import { useCallback, useEffect, useRef, useState } from "./html.js";

/**
 * Return `{data, error, loading, again, set}` of `ask(signal)`, asked anew when `about` changes.
 * The last answer stays while the next is awaited; answers that come too late are dropped.
 */
export function useAnswer(ask, about) {
  const [state, setState] = useState({ data: null, error: null, loading: true, about: null });
  const [turn, setTurn] = useState(0);
  const key = JSON.stringify(about);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    const stop = new AbortController();
    setState((s) => ({ ...s, loading: true, error: s.about === key ? s.error : null }));
    Promise.resolve(latest.current(stop.signal)).then(
      (data) => !stop.signal.aborted && setState({ data, error: null, loading: false, about: key }),
      (error) => {
        if (error.name === "AbortError" || stop.signal.aborted) return;
        setState((s) => ({ data: s.about === key ? s.data : null, error, loading: false, about: key }));
      },
    );
    return () => stop.abort();
  }, [key, turn]);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  const set = useCallback((change) => setState((s) => ({ ...s, data: change(s.data) })), []);
  return { ...state, again, set };
}

/** Return a value that follows another once it has rested for `ms`. */
export function useRested(value, ms) {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}
