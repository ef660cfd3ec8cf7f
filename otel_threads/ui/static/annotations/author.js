// Who is looking: the name under which scores and comments are written.
import { keep, kept } from "../lib/keep.js";

/** Return the viewer's name; "ui" until one is given. */
export const author = () => kept("author") || "ui";

/** Keep the viewer's name. */
export const setAuthor = (name) => keep("author", name.trim().slice(0, 200) || null);
