// One message: its words, its parts, the tools that it asked for.
import { bytes, oneLine } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { Json, parsed } from "../lib/json.js";
import { Markdown, Plain } from "../lib/markdown.js";
import { Copy } from "../lib/parts.js";
import { MediaPart } from "./media_part.js";

const ROLES = { user: "User", assistant: "Assistant", system: "System", tool: "Tool" };
const HINT_LENGTH = 120;
const LONG_ERROR = 500; // a stack trace, not a sentence

/** A text as people wrote it; as JSON where it is some. */
export function Words({ text, raw }) {
  const value = raw ? text : parsed(text);
  if (typeof value !== "string") return html`<${Json} value=${value} />`;
  return raw ? html`<${Plain} text=${text} />` : html`<${Markdown} text=${text} />`;
}

/** A message. `results` finds the result of a requested tool call. */
export function Message({ message, results, raw, id, isMarked, link }) {
  const parts = message.parts.length
    ? message.parts
    : message.text
      ? [{ type: "text", text: message.text }]
      : [];
  const text = () => parts.map((part) => part.text ?? "").join("\n\n").trim() || message.text || "";
  return html`<div class="message ${message.role} ${isMarked ? "marked" : ""}" id=${id}>
    <p class="role"><${Icon} name=${message.role === "user" ? "user" : message.role === "assistant" ? "llm" : "tool"}
        size=${13} /> ${ROLES[message.role] ?? oneLine(message.role)}
      <span class="acts">${message.text && html`<${Copy} label="" what="Copy this message" text=${text} />`}${link && html`<a
          href=${link} title="Link to this message" aria-label="Link to this message"><${Icon} name="chain" size=${13} /></a>`}</span></p>
    <div class="content">
      ${parts.map((part, i) => html`<${Part} key=${i} part=${part} raw=${raw} spanId=${message.span_id} />`)}
      ${message.tool_calls.map((call, i) => html`<${ToolCall} key=${call.id ?? i} call=${results(call)} />`)}
      ${!parts.length && !message.tool_calls.length && html`<p class="faint">No content was recorded.</p>`}
    </div>
  </div>`;
}

function Part({ part, raw, spanId }) {
  switch (part.type) {
    case "text":
      return part.text ? html`<${Words} text=${String(part.text)} raw=${raw} />` : null;
    case "reasoning":
      return html`<${Fold} label="Reasoning" icon="event"><${Words} text=${String(part.text ?? "")} raw=${raw} /></${Fold}>`;
    case "tool_call":
      return null; // drawn with its result, from the message's tool_calls
    case "tool_result":
      return html`<${Value} value=${part.result} label="result" />`;
    default:
      return html`<${MediaPart} part=${part} spanId=${spanId} /><${Media} part=${part} />`;
  }
}

// What the store leaves out of long data, with its length (store/payloads.py).
const LEFT_OUT = /\[… (\d+) characters, whole in span_content\]/g;

// What a part is beside what is shown of it: named and measured.
function Media({ part }) {
  const { type: kind, ...rest } = part;
  const type = typeof rest.modality === "string" ? rest.modality : String(kind);
  const text = JSON.stringify(rest);
  const leftOut = [...text.matchAll(LEFT_OUT)].map(([, length]) => Number(length));
  const size = leftOut.reduce((sum, length) => sum + length, text.length);
  const name = [rest.filename, rest.name, rest.mime_type, rest.media_type, rest.format].find(
    (one) => typeof one === "string",
  );
  return html`<${Fold} className="media" icon=${/image/.test(type) ? "image" : "file"}
      label=${html`<b><bdi>${oneLine(type, 40)}</bdi></b> <bdi>${oneLine(name ?? "", 80)}</bdi> <span
          class="faint">${bytes(size)}</span>`}>
    <${Json} value=${rest} depth=${1} /></${Fold}>`;
}

/** Something that is opened by a click; its content is not drawn before. */
export function Fold({ label, icon, children, open = false, className = "" }) {
  const [isOpen, setOpen] = useState(open);
  return html`<div class="foldable ${className} ${isOpen ? "open" : ""}">
    <button class="fold" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}><span class="mark"
        aria-hidden="true">${isOpen ? "▾" : "▸"}</span> ${icon && html`<${Icon} name=${icon} size=${13} />`} ${label}</button>
    ${isOpen && html`<div class="folded">${children}</div>`}
  </div>`;
}

/** A tool call: folded, with arguments, result and error. */
export function ToolCall({ call }) {
  const args = parsed(call.arguments);
  const hint =
    args === null || args === undefined
      ? ""
      : oneLine(typeof args === "string" ? args : JSON.stringify(args), HINT_LENGTH);
  const label = html`<b><bdi>${oneLine(call.name ?? "tool", 80)}</bdi></b> <span class="hint"><bdi>${hint}</bdi></span>
    ${call.error ? html`<span class="bad">failed</span>` : call.result === null ? html`<span
        class="faint">no result</span>` : ""}`;
  return html`<${Fold} className="tool ${call.error ? "failed-call" : ""}" icon="tool" label=${label}>
    <p class="acts-of-call"><${Copy} label="Copy the call" text=${() => JSON.stringify({ name: call.name, arguments: args, result: parsed(call.result), error: call.error ?? undefined }, null, 2)} /></p>
    <h5>Arguments</h5><${Value} value=${args} label="arguments" />
    ${call.error && html`<h5>Error</h5><${ErrorBox} error=${call.error} />`}
    ${call.result !== null && call.result !== undefined && html`<h5>Result</h5><${Value} value=${call.result} label="result" />`}
  </${Fold}>`;
}

function Value({ value, label }) {
  const shown = parsed(value);
  return typeof shown === "string"
    ? html`<${Plain} text=${shown} mono />`
    : html`<${Json} value=${shown} label=${label} />`;
}

/** What went wrong, where it did. */
export const ErrorBox = ({ error }) => html`<div class="errorbox"><${Icon} name="error" size=${15} />
  <div>${error.type && html`<b><bdi>${oneLine(error.type, 200)}</bdi></b>`}${error.message ? html`<${Plain} text=${error.message}
      mono bounded=${error.message.length > LONG_ERROR} />` : !error.type && "Failed without a message."}</div></div>`;
