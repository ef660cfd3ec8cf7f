// A list that comes page after page, when somebody asks for more.
import { get } from "./api.js";
import { useAnswer } from "./ask.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { Failed } from "./parts.js";

const LIMIT = 50;

/** Return `{data, error, again, items, More}`; asked anew when the question changes. */
export function usePages(path, question) {
  const about = JSON.stringify([path, question]);
  const first = useAnswer((signal) => get(path, { ...question, limit: LIMIT, with_total: true }, signal), [about]);
  const none = { about, items: [], cursor: undefined, error: null };
  const [held, setHeld] = useState(none);
  const more = held.about === about ? held : none;
  const latest = useRef(about);
  latest.current = about;
  useEffect(() => setHeld(none), [about]);
  const cursor = more.cursor === undefined ? first.data?.next_cursor : more.cursor;
  const next = async () => {
    try {
      const page = await get(path, { ...question, limit: LIMIT, cursor });
      if (latest.current !== about) return; // another question is asked by now
      setHeld({ about, items: [...more.items, ...page.items], cursor: page.next_cursor, error: null });
    } catch (error) {
      if (latest.current === about) setHeld({ ...more, error });
    }
  };
  const More = html`${more.error && html`<${Failed} error=${more.error} again=${next} />`}
    ${cursor && !more.error && html`<p><button onClick=${next}>Show more</button></p>`}`;
  return { ...first, items: [...(first.data?.items ?? []), ...more.items], More };
}
