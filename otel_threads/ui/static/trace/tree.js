// The spans of a trace as rows: folded, searched, placed in time.
import { ioOf } from "../conversation/paths.js";

/** What a span is, for colour and icon: its type, else whether it is a root or any span. */
export const typeOf = (span) => span.type ?? "other";

/** Return `{nodes, length}`: spans with their place in tree and time, parents first; ms of the whole. */
export function treeOf(spans) {
  const start = spans.reduce((least, s) => Math.min(least, s.start_time_unix_nano), Infinity);
  const end = spans.reduce((most, s) => Math.max(most, s.end_time_unix_nano), -Infinity);
  const nodes = spans.map((span, index) => ({
    span,
    index,
    depth: span.depth,
    children: 0,
    below: 0,
    errorsBelow: 0,
    from: (span.start_time_unix_nano - start) / 1e6,
    to: (span.end_time_unix_nano - start) / 1e6,
    parent: -1,
  }));
  const stack = [];
  for (const node of nodes) {
    while (stack.length && stack.at(-1).depth >= node.depth) stack.pop();
    const parent = stack.at(-1);
    if (parent) {
      parent.children += 1;
      node.parent = parent.index;
    }
    for (const above of stack) {
      above.below += 1;
      if (node.span.status_code === "error") above.errorsBelow += 1;
    }
    stack.push(node);
  }
  return { nodes, length: Math.max(0.001, (end - start) / 1e6) };
}

/** Return the id of the span that has the words: the last model request that answered, else of a turn. */
export function wordsOf(trace) {
  const here = new Set(trace.spans.map((span) => span.span_id));
  const answered = trace.spans.findLast((span) => span.type === "llm" && ioOf(span).outputs !== undefined);
  return answered?.span_id ?? trace.turns.findLast((one) => here.has(one.span_id))?.span_id ?? null;
}

/** Return the nodes that are in sight: those without a folded one above them. */
export function visible(nodes, folded) {
  if (!folded.size) return nodes;
  const shown = [];
  let hiddenBelow = Infinity;
  for (const node of nodes) {
    if (node.depth > hiddenBelow) continue;
    hiddenBelow = folded.has(node.span.span_id) ? node.depth : Infinity;
    shown.push(node);
  }
  return shown;
}

/** Return the indexes of nodes whose name, id, model, status or attributes hold a text. */
export function found(nodes, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  return nodes.filter(({ span }) => textOf(span).includes(wanted)).map((node) => node.index);
}

const texts = new WeakMap();
function textOf(span) {
  let known = texts.get(span);
  if (known === undefined) {
    known = [
      span.name,
      span.span_id,
      span.model,
      span.status_message,
      span.service_name,
      JSON.stringify(span.attributes),
    ]
      .join("\n")
      .toLowerCase();
    texts.set(span, known);
  }
  return known;
}
