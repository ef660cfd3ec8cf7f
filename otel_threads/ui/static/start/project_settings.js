// What a project has of its own: when threads rest, how long traces stay, what is shown of a turn.
import { patch } from "../lib/api.js";
import { oneLine } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Dialog, attempt } from "../lib/parts.js";
import { Definitions } from "../annotations/definitions.js";
import { FieldPaths } from "../conversation/fieldpaths.js";

const FIELDS = {
  thread_cooldown_s: ["Seconds without a span until a thread is inactive", "as the server: thread_cooldown_s"],
  retention_days: ["Days that traces are kept, 0 for ever", "as the server: retention_days"],
};

/** The dialog. */
export function ProjectSettings({ project, onDone, onClose }) {
  const [given, setGiven] = useState({});
  const ids = { thread_cooldown_s: useId(), retention_days: useId() };
  const shown = (name) => given[name] ?? project[name] ?? "";
  const save = async (event) => {
    event.preventDefault();
    const body = { project: project.project };
    for (const name of Object.keys(FIELDS)) {
      const text = String(shown(name)).trim();
      body[name] = text === "" ? null : Number(text);
    }
    if (await attempt(() => patch("/projects", body), "Settings of the project changed")) {
      onDone();
      onClose();
    }
  };
  return html`<${Dialog} title=${`Settings of ${oneLine(project.project, 60)}`} onClose=${onClose}>
    <form class="form" onSubmit=${save}>
      ${Object.entries(FIELDS).map(([name, [label, otherwise]]) => html`<label key=${name} for=${ids[name]}>${label}</label>
        <input id=${ids[name]} type="number" min="0" step="any" placeholder=${otherwise} value=${shown(name)}
          onInput=${(e) => setGiven({ ...given, [name]: e.target.value })} />`)}
      <footer><button class="primary">Save</button></footer>
    </form>
    <${Definitions} project=${project.project} />
    <${FieldPaths} project=${project} name=${project.project} onDone=${onDone} />
  </${Dialog}>`;
}
