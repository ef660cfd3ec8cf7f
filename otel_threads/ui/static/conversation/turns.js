// The turns of a thread, wherever in it they are: a page of them is asked for when it comes in sight.
import { get } from "../lib/api.js";
import { useCallback, useEffect, useRef, useState } from "../lib/html.js";

const PAGE = 20;

/**
 * Return `{turns, error, need, again}`: `turns` by index, `need(first, last)` asks for what is missing
 * of a range, `again()` asks anew for what is there.
 */
export function useTurns(key) {
  const [state, setState] = useState({ turns: new Map(), error: null });
  const about = JSON.stringify(key);
  const now = useRef({});
  if (now.current.about !== about) now.current = { about, asked: new Set(), turns: new Map() };
  const load = useCallback(
    async (page) => {
      const held = now.current;
      held.asked.add(page);
      try {
        const found = await get("/threads/turns", { ...key, first_turn: page * PAGE, limit: PAGE });
        if (held !== now.current) return;
        held.turns = new Map([...held.turns, ...found.items.map((turn) => [turn.turn_index, turn])]);
        setState({ turns: held.turns, error: null });
      } catch (error) {
        held.asked.delete(page);
        if (held === now.current) setState((s) => ({ ...s, error }));
      }
    },
    [about],
  );
  const need = useCallback(
    (first, last) => {
      for (let page = Math.floor(first / PAGE); page * PAGE < last; page += 1)
        if (!now.current.asked.has(page)) load(page);
    },
    [load],
  );
  const again = useCallback(() => [...now.current.asked].forEach(load), [load]);
  useEffect(() => setState({ turns: new Map(), error: null }), [about]);
  return { ...state, turns: now.current.turns, need, again };
}
