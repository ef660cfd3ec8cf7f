// The REST API, which is all that this page knows of the server.
import { keep, kept } from "./keep.js";

const BASE = new URL("api/v1", document.baseURI).href;
const RETRY_MS = 500;
const RETRY_MS_MAX = 5_000;
let token = sessionToken();
let onRefused = () => {};

/** A call that failed: `status` (0 when the server is out of reach), `position` in a filter. */
export class ApiError extends Error {
  constructor(status, detail, position) {
    super(detail);
    this.status = status;
    this.position = position ?? null;
  }
}

function sessionToken() {
  try {
    return sessionStorage.getItem("otel-threads.token") ?? kept("token");
  } catch {
    return null;
  }
}

/** Use a token from now on; `stays` keeps it beyond this tab. null forgets it. */
export function setToken(value, stays = false) {
  token = value || null;
  keep("token", stays ? token : null);
  try {
    if (token) sessionStorage.setItem("otel-threads.token", token);
    else sessionStorage.removeItem("otel-threads.token");
  } catch {
    // As in keep.js.
  }
}

/** Return whether calls carry a token. */
export const hasToken = () => Boolean(token);

/** Be told when the server refuses a call for want of a token, with its reason. */
export function whenRefused(listener) {
  onRefused = listener;
}

/** Return the URL of a call; parameters that are null or empty are left out. */
export function urlOf(path, query = {}) {
  const url = new URL(BASE + path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url.href;
}

async function answerOf(method, path, { query, body, signal } = {}) {
  let answer;
  try {
    answer = await fetch(urlOf(path, query), {
      method,
      signal,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server is out of reach.");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const detail = problem.detail ?? `HTTP ${answer.status}`;
  // "writing is off" is an answer to the deed, not a question for a token.
  if (answer.status === 401 && !detail.startsWith("writing is off")) onRefused(detail, Boolean(token));
  throw new ApiError(answer.status, detail, problem.position);
}

async function call(method, path, options) {
  const answer = await answerOf(method, path, options);
  return answer.status === 204 ? null : answer.json();
}

export const get = (path, query, signal) => call("GET", path, { query, signal });
export const post = (path, body, signal) => call("POST", path, { body, signal });
export const put = (path, body) => call("PUT", path, { body });
export const patch = (path, body) => call("PATCH", path, { body });
export const remove = (path, query) => call("DELETE", path, { query });

/** As `get`, with nanoseconds as texts: JavaScript's numbers would round them. */
export async function getExact(path, query, signal) {
  const whole = await (await answerOf("GET", path, { query, signal })).text();
  return JSON.parse(whole.replace(/(_unix_nano":)(\d{16,})/g, '$1"$2"'));
}

/** As `post`, with whole numbers that JavaScript's would round as texts. */
export async function postExact(path, body, signal) {
  const whole = await (await answerOf("POST", path, { body, signal })).text();
  return JSON.parse(whole, (_, value, { source } = {}) =>
    typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? "") ? source : value,
  );
}

/** Return the answer of a GET as text. */
export async function text(path, query) {
  return (await answerOf("GET", path, { query })).text();
}

/** Save an answer as a file: by the browser itself, or through memory where a token is needed. */
export async function download(path, query, name) {
  const link = document.createElement("a");
  link.download = name;
  if (!token) {
    link.href = urlOf(path, query);
    link.click();
    return;
  }
  saveAs(link, await (await answerOf("GET", path, { query })).blob());
}

/** Save the answer of a POST as a file, through memory. */
export async function saved(path, body, name) {
  const link = document.createElement("a");
  link.download = name;
  saveAs(link, await (await answerOf("POST", path, { body })).blob());
}

function saveAs(link, blob) {
  const made = URL.createObjectURL(blob);
  link.href = made;
  link.click();
  setTimeout(() => URL.revokeObjectURL(made), 60_000);
}

/**
 * Follow changed threads until `signal` aborts; comes back by itself when the stream breaks.
 * `on` has `thread(thread)`, `deleted({project, thread_id})`, `view({project, name})` where saved
 * views matter, `state("live" | "waiting")` and `missed()`, called when the stream is back and changes may have passed unseen. A tab that is not
 * in sight holds no stream: browsers open six connections to a server, and then everything waits.
 */
export async function follow(project, on, signal) {
  let wait = RETRY_MS;
  for (let round = 0; !signal.aborted; round += 1) {
    await inSight(signal);
    const stream = new AbortController();
    const stop = () => (signal.aborted || document.hidden) && stream.abort();
    signal.addEventListener("abort", stop);
    document.addEventListener("visibilitychange", stop);
    try {
      const answer = await answerOf("GET", "/events", { query: { project }, signal: stream.signal });
      on.state("live");
      wait = RETRY_MS;
      if (round) on.missed();
      for await (const { name, data } of events(answer.body)) {
        if (name === "thread") on.thread(data);
        else if (name === "deleted") on.deleted(data);
        else if (name === "view") on.view?.(data);
      }
    } catch {
      // Broken, aborted or refused; what it was is told by the calls that ask for something.
    } finally {
      signal.removeEventListener("abort", stop);
      document.removeEventListener("visibilitychange", stop);
    }
    if (signal.aborted) return;
    on.state("waiting");
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, RETRY_MS_MAX);
  }
}

async function inSight(signal) {
  while (document.hidden && !signal.aborted) {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}

// EventSource cannot carry a token, so the stream is read by hand. Source: HTML, 9.2.6.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const name = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (name && data) yield { name, data: JSON.parse(data) };
    }
  }
}
