// Tags of threads and traces.
import { patch } from "../lib/api.js";
import { count, oneLine } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { Dialog, attempt } from "../lib/parts.js";
import { byProject } from "../threads/selection.js";

/** The tags of a target (`{project, thread_ids}` or `{project, trace_ids}`), each with a way out. */
export function Tags({ tags, target, onChange }) {
  const [text, setText] = useState("");
  const id = useId();
  const change = (body) =>
    attempt(async () => {
      await patch("/threads/tags", { ...target, ...body });
      onChange();
    });
  const add = async (event) => {
    event.preventDefault();
    const names = text
      .split(",")
      .map((one) => one.trim())
      .filter(Boolean);
    if (names.length && (await change({ add: names }))) setText("");
  };
  return html`<section class="block tags">
    <header><h3>Tags</h3></header>
    <p>${tags.map(
      (tag) => html`<span class="tag" key=${tag}><bdi>${oneLine(tag, 80)}</bdi>
      <button class="plain" aria-label="Remove tag ${oneLine(tag, 80)}" onClick=${() => change({ remove: [tag] })}><${Icon}
          name="close" size=${10} /></button></span>`,
    )}
      ${!tags.length && html`<span class="faint">None yet.</span>`}</p>
    <form onSubmit=${add} class="inline"><label for=${id} class="unseen">New tag</label>
      <input id=${id} placeholder="Add a tag…" maxlength="200" value=${text} onInput=${(e) => setText(e.target.value)} />
      ${text.trim() && html`<button>Add</button>`}</form>
  </section>`;
}

/** A dialog that adds tags to, or removes them from, many threads. */
export function TagDialog({ threads, onDone, onClose }) {
  const [add, setAdd] = useState("");
  const [drop, setDrop] = useState(new Set());
  const id = useId();
  const present = [...new Set(threads.flatMap((t) => t.tags))].sort();
  const send = async (event) => {
    event.preventDefault();
    const names = add
      .split(",")
      .map((one) => one.trim())
      .filter(Boolean);
    const ok =
      (names.length || drop.size) &&
      (await attempt(async () => {
        for (const [project, thread_ids] of byProject(threads))
          await patch("/threads/tags", { project, thread_ids, add: names, remove: [...drop] });
      }, "Tags changed"));
    if (ok) {
      onDone();
      onClose();
    }
  };
  return html`<${Dialog} title="Tags of ${count(threads.length, "thread")}" onClose=${onClose}>
    <form class="form" onSubmit=${send}>
      <label for=${id}>Add, separated by commas</label>
      <input id=${id} value=${add} placeholder="vip, refund" onInput=${(e) => setAdd(e.target.value)} />
      ${
        present.length > 0 &&
        html`<fieldset><legend>Remove</legend>${present.map(
          (tag) => html`<label class="check" key=${tag}>
        <input type="checkbox" checked=${drop.has(tag)} onChange=${() => {
          const next = new Set(drop);
          if (!next.delete(tag)) next.add(tag);
          setDrop(next);
        }} /> <bdi>${oneLine(tag, 80)}</bdi></label>`,
        )}</fieldset>`
      }
      <footer><button type="button" onClick=${onClose}>Cancel</button><button class="primary">Save</button></footer>
    </form>
  </${Dialog}>`;
}
