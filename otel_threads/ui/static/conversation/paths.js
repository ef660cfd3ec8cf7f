// Which field of a turn is shown: paths such as inputs.messages[-1].content, kept per project.
import { parsed } from "../lib/json.js";

// Where instrumentations write what went into a span and what came out, the plainest first.
const INPUTS = [
  "input.value",
  "langfuse.observation.input",
  "langfuse.trace.input",
  "traceloop.entity.input",
  "gen_ai.input.messages",
  "gen_ai.tool.call.arguments",
  "ai.prompt",
  "ai.prompt.messages",
  "ai.toolCall.args",
  "mlflow.spanInputs",
  "lmnr.span.input",
  "gcp.vertex.agent.llm_request",
  "gcp.vertex.agent.tool_call_args",
  "haystack.component.input",
  "all_messages_events",
  "pydantic_ai.all_messages",
  "tool_arguments",
  "request_data",
  "gen_ai.prompt",
  "input",
  "inputs",
];
const OUTPUTS = [
  "output.value",
  "langfuse.observation.output",
  "langfuse.trace.output",
  "traceloop.entity.output",
  "gen_ai.output.messages",
  "gen_ai.tool.call.result",
  "ai.response.text",
  "ai.response.object",
  "ai.response.toolCalls",
  "ai.toolCall.result",
  "mlflow.spanOutputs",
  "lmnr.span.output",
  "gcp.vertex.agent.llm_response",
  "gcp.vertex.agent.tool_response",
  "haystack.component.output",
  "final_result",
  "tool_response",
  "response_data",
  "gen_ai.completion",
  "output",
  "outputs",
];
const FLAT_INPUTS = ["llm.input_messages.", "gen_ai.prompt."];
const FLAT_OUTPUTS = ["llm.output_messages.", "gen_ai.completion."];
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
  return { inputs: first(span, INPUTS, FLAT_INPUTS), outputs: first(span, OUTPUTS, FLAT_OUTPUTS) };
}

function first({ attributes }, names, prefixes) {
  for (const name of names) {
    if (Object.hasOwn(attributes, name)) return parsed(attributes[name]);
  }
  for (const prefix of prefixes) {
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
