// Which field of a turn is shown: paths such as inputs.messages[-1].content, kept per project.
import { parsed } from "../lib/json.js";
import { INPUTS, OUTPUTS } from "./shown_names.js";

const STEP = /\s*(?:\.?([A-Za-z_$][\w$-]*)|\[\s*(-?\d+)\s*\]|\[\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')\s*\])/y;
const STEPS_MAX = 50;

/** Return the steps of a path: names and numbers. Throws an Error that says where it is wrong. */
export function stepsOf(path) {
  const steps = [];
  STEP.lastIndex = 0;
  const text = path.trim().replace(/^\$\.?/, "");
  if (!text) throw new Error("Write a path, as in inputs.messages[-1].content");
  while (STEP.lastIndex < text.length) {
    const at = STEP.lastIndex;
    const step = STEP.exec(text);
    if (!step) throw new Error(`Position ${at + 1}: expected .name, [0], [-1] or ["name"]`);
    if (steps.length === STEPS_MAX) throw new Error(`More than ${STEPS_MAX} steps`);
    steps.push(step[1] ?? (step[2] === undefined ? unquoted(step[3]) : Number(step[2])));
  }
  return steps;
}

/** Return what a quoted name means; single quotes are read as JSON reads double ones. */
function unquoted(text) {
  if (text.startsWith('"')) return JSON.parse(text);
  return JSON.parse(`"${text.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"')}"`);
}

/** Return what stands at a path, undefined when nothing does. JSON inside of texts is entered. */
export function valueAt(value, path) {
  for (const step of stepsOf(path)) {
    const here = parsed(value);
    if (here === null || typeof here !== "object") return undefined;
    const key = Array.isArray(here) && typeof step === "number" && step < 0 ? here.length + step : step;
    if (!Object.hasOwn(here, key)) return undefined;
    value = here[key];
  }
  return parsed(value);
}

/** Return `{inputs, outputs}` of a span: JSON where it is some, undefined where nothing is written. */
export function ioOf(span) {
  return { inputs: first(span, INPUTS), outputs: first(span, OUTPUTS) };
}

/** Return what stands under the first of the names; whole values come before those in parts. */
function first({ attributes }, names) {
  for (const name of names) {
    if (Object.hasOwn(attributes, name)) return parsed(attributes[name]);
  }
  for (const prefix of names.filter((name) => name.endsWith("."))) {
    const flat = Object.entries(attributes).filter(([name]) => name.startsWith(prefix));
    if (flat.length) return nested(flat, prefix.length);
  }
  return undefined;
}

/** Return flattened attributes (`0.role`, `0.content`) as the structure that they describe. */
function nested(flat, skip) {
  const root = Object.create(null);
  for (const [name, value] of flat) {
    const steps = name.slice(skip).split(".").slice(0, STEPS_MAX);
    let here = root;
    for (const step of steps.slice(0, -1)) {
      if (typeof here[step] !== "object" || here[step] === null) here[step] = Object.create(null);
      here = here[step];
    }
    here[steps.at(-1)] = value;
  }
  return listed(root);
}

function listed(value) {
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, one]) => [key, listed(one)]);
  if (entries.length && entries.every(([key]) => /^\d+$/.test(key)))
    return entries.sort(([a], [b]) => a - b).map(([, one]) => one);
  return Object.fromEntries(entries);
}

/** Return what paths of a turn start from: `{inputs, outputs, attributes, turn}`. */
export function sourceOf(turn, trace) {
  const span = trace.spans.find((one) => one.span_id === turn.span_id) ?? trace.spans[0];
  return { ...(span ? { ...ioOf(span), attributes: span.attributes } : {}), turn };
}
