// A thread as a whole: all of its spans as one tree, who called whom, how prompts grew, two turns compared.
import { ioOf } from "./paths.js";

const CALLED = new Set(["agent", "tool", "llm", "retriever", "embedding", "reranker", "guardrail"]);

/** Return the spans of traces as one list, each trace below a line of its own. */
export function together(traces) {
  return traces.flatMap((trace, i) => [
    {
      span_id: `trace-${trace.trace_id}`,
      trace_id: trace.trace_id,
      name: `${i + 1}. ${trace.first_message || trace.name || trace.trace_id.slice(0, 8)}`,
      depth: 0,
      type: "chain",
      status_code: trace.error_count ? "error" : "ok",
      status_message: null,
      start_time_unix_nano: Math.min(...trace.spans.map((span) => Number(span.start_time_unix_nano))),
      end_time_unix_nano: Math.max(...trace.spans.map((span) => Number(span.end_time_unix_nano))),
      duration_ms: trace.duration_ms,
      usage: trace.usage,
      cost_usd: trace.cost_usd,
      attributes: {},
    },
    ...trace.spans.map((span) => ({
      ...span,
      depth: span.depth + 1,
      start_time_unix_nano: Number(span.start_time_unix_nano),
      end_time_unix_nano: Number(span.end_time_unix_nano),
    })),
  ]);
}

const nameOf = (span) => (span.type === "llm" ? (span.model ?? span.name) : span.name) || "(no name)";

/**
 * Return who called whom: `{caller, callee, kind, count, errors, total_ms}`, the most frequent first. A
 * caller is the nearest agent above, else "app".
 */
export function callsOf(traces) {
  const found = new Map();
  for (const { spans } of traces) {
    const above = [];
    for (const span of spans) {
      while (above.length && above.at(-1).depth >= span.depth) above.pop();
      if (CALLED.has(span.type)) {
        const caller = above.findLast((one) => one.type === "agent");
        const key = JSON.stringify([caller ? nameOf(caller) : null, nameOf(span), span.type]);
        const call = found.get(key) ?? {
          caller: caller ? nameOf(caller) : "app",
          callee: nameOf(span),
          kind: span.type,
          count: 0,
          errors: 0,
          total_ms: 0,
        };
        call.count += 1;
        call.errors += span.status_code === "error" ? 1 : 0;
        call.total_ms += span.duration_ms;
        found.set(key, call);
      }
      above.push(span);
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count || b.total_ms - a.total_ms);
}

/** Return `{nodes, edges, width, height}` of the graph of calls: callers left of what they call. */
export function graphOf(calls, { column = 230, row = 46 } = {}) {
  const levels = new Map([["app", 0]]);
  for (let round = 0; round < 12; round += 1)
    for (const { caller, callee } of calls)
      if (levels.has(caller) && !levels.has(callee)) levels.set(callee, levels.get(caller) + 1);
  for (const { caller, callee } of calls)
    for (const name of [caller, callee]) if (!levels.has(name)) levels.set(name, 1);
  if (!calls.some((one) => one.caller === "app")) levels.delete("app");
  const used = new Map();
  const nodes = [...levels].map(([name, level]) => {
    const place = used.get(level) ?? 0;
    used.set(level, place + 1);
    const incoming = calls.filter((one) => one.callee === name);
    return {
      name,
      kind: incoming[0]?.kind ?? "other",
      errors: incoming.reduce((sum, one) => sum + one.errors, 0),
      x: level * column,
      y: place * row,
    };
  });
  const at = new Map(nodes.map((node) => [node.name, node]));
  const edges = calls.map((call) => ({ ...call, from: at.get(call.caller), to: at.get(call.callee) }));
  return {
    nodes,
    edges,
    width: (Math.max(0, ...levels.values()) + 1) * column,
    height: Math.max(1, ...used.values()) * row,
  };
}

const listOf = (value) => (Array.isArray(value) ? value : Array.isArray(value?.messages) ? value.messages : null);

/**
 * Return what each model request's prompt gained over the one before: `{span, messages, gained, kept}`.
 * `gained` are the messages that were not there; `kept` says whether the earlier ones stand unchanged.
 */
export function growthOf(traces) {
  let before = [];
  const found = [];
  for (const span of traces.flatMap((trace) => trace.spans).filter((one) => one.type === "llm")) {
    const messages = listOf(ioOf(span).inputs);
    if (!messages) continue;
    const texts = messages.map((one) => JSON.stringify(one));
    let same = 0;
    while (same < before.length && texts[same] === before[same]) same += 1;
    found.push({ span, messages: messages.length, gained: messages.slice(same), kept: same === before.length });
    before = texts;
  }
  return found;
}

/** Return the lines of two texts and the index of the first that differs; null where none does. */
export function difference(left, right) {
  const lines = [left, right].map((text) => text.split("\n"));
  const [short, long] = lines[0].length <= lines[1].length ? lines : [lines[1], lines[0]];
  const at = short.findIndex((line, i) => line !== long[i]);
  const first = at >= 0 ? at : short.length === long.length ? null : short.length;
  return { left: lines[0], right: lines[1], first };
}

/** Return a turn as text: a line a message, then its tool calls. */
export function textOf(turn) {
  if (!turn) return "";
  const calls = turn.tool_calls.map((one) => `tool ${one.name}: ${JSON.stringify(one.arguments)} → ${JSON.stringify(one.result)}`);
  const said = turn.messages.map((one) => `${one.role}: ${one.text ?? ""}`);
  return [...said, ...calls, ...(turn.error ? [`error: ${turn.error.message ?? turn.error.type}`] : [])].join("\n");
}
