// An image, a sound, a file of a message: drawn from its own data as a blob, never fetched.
import { get } from "../lib/api.js";
import { bytes as sizeOf, oneLine } from "../lib/format.js";
import { createContext, html, useContext, useEffect, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { bytesOf, dataOf, fileName, mediaOf, typeOf } from "../lib/media.js";

const TRACES_KEPT = 3; // their spans hold the data, of megabytes each
const traces = new Map();

/** The trace whose spans hold what messages leave out: `{project, trace_id}`. */
export const TraceOf = createContext(null);

function traceOf({ project, trace_id: traceId }) {
  const key = JSON.stringify([project, traceId]);
  if (!traces.has(key)) {
    const asked = get(`/traces/${traceId}`, { project });
    asked.catch(() => traces.delete(key));
    traces.set(key, asked);
    if (traces.size > TRACES_KEPT) traces.delete(traces.keys().next().value);
  }
  return traces.get(key);
}

async function whole(media, where, spanId) {
  if (media.data) return media.data;
  const { spans } = await traceOf(where);
  const first = spans.filter((span) => span.span_id === spanId);
  for (const span of [...first, ...spans]) {
    const found = dataOf(span.attributes, media.leftOut);
    if (found) return found;
  }
  throw new Error("Its data is not in the trace.");
}

/** Return `{url, type, size, error}` of a part's data; the URL is of a blob, and forgotten with it. */
function useBlob(media, spanId) {
  const where = useContext(TraceOf);
  const [state, setState] = useState({});
  const { data, leftOut } = media;
  useEffect(() => {
    if (!data && !(leftOut && where)) return undefined;
    let url = null;
    let gone = false;
    whole(media, where, spanId).then(
      (text) => {
        if (gone) return;
        const found = bytesOf(text);
        if (!found) return setState({ error: "Its data is not base64." });
        const type = typeOf(found);
        url = URL.createObjectURL(new Blob([found], { type }));
        return setState({ url, type, size: found.length });
      },
      (error) => !gone && setState({ error: error.message }),
    );
    return () => {
      gone = true;
      if (url) URL.revokeObjectURL(url);
    };
  }, [data, leftOut, where?.trace_id, spanId]);
  return state;
}

/** A part that is more than words; null where it holds no data that can be shown. */
export function MediaPart({ part, spanId }) {
  const media = mediaOf(part);
  return media && html`<${Shown} media=${media} spanId=${spanId} />`;
}

function Shown({ media, spanId }) {
  const { url, type, size, error } = useBlob(media, spanId);
  const name = oneLine(media.name ?? media.type ?? "", 100);
  const kind = type?.split("/")[0];
  const [broken, setBroken] = useState(false);
  if (media.url && !media.data && !media.leftOut)
    return html`<p class="mediapart"><${Icon} name="file" size=${14} /> <a href=${media.url} target="_blank"
        rel="noopener noreferrer nofollow"><bdi>${oneLine(media.url, 200)}</bdi></a> <span class="faint">not fetched</span></p>`;
  if (error) return html`<p class="mediapart faint"><${Icon} name="file" size=${14} /> <bdi>${name}</bdi> ${error}</p>`;
  if (!url) return html`<p class="mediapart waiting"><span class="spinner" aria-hidden="true"></span>Reading ${name}…</p>`;
  return html`<figure class="mediapart">
    ${kind === "image" && !broken && html`<img src=${url} alt=${media.words ?? name} onError=${() => setBroken(true)} />`}
    ${broken && html`<p class="faint">This image cannot be drawn.</p>`}
    ${kind === "audio" && html`<audio controls src=${url} aria-label=${name || "Audio"}></audio>`}
    ${kind === "video" && html`<video controls src=${url} aria-label=${name || "Video"}></video>`}
    ${media.words && html`<p class="transcript" dir="auto">${media.words}</p>`}
    <figcaption class="faint"><${Icon} name=${kind === "image" ? "image" : "file"} size=${13} /> <bdi>${name || type}</bdi> ${sizeOf(size)} <a href=${url} download=${fileName(media.name, type)}>Save</a></figcaption>
  </figure>`;
}
