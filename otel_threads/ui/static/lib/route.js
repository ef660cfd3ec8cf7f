// Every state of the page is a link: #/page?name=value.
import { useEffect, useState } from "./html.js";

function read() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { page: path || "threads", params: Object.fromEntries(new URLSearchParams(query)) };
}

/** Return the address of a page; parameters that are null or empty are left out. */
export function linkTo(page, params = {}) {
  const given = Object.entries(params).filter(([, v]) => v !== null && v !== undefined && v !== "");
  const query = new URLSearchParams(given).toString();
  return `#/${page}${query ? `?${query}` : ""}`;
}

/** Go to a page. `replace` leaves no step in the browser's history. */
export function go(page, params = {}, { replace = false } = {}) {
  const link = linkTo(page, params);
  if (link === location.hash) return;
  if (replace) {
    history.replaceState(null, "", link);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else location.hash = link;
}

/** Return the page and its parameters, and draw again when they change. */
export function useRoute() {
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
