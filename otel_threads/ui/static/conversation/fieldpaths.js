// Which fields of a turn's span are shown as its input and output, for everybody in the project.
import { patch } from "../lib/api.js";
import { html, useId, useState } from "../lib/html.js";
import { attempt } from "../lib/parts.js";
import { oneLine } from "../lib/format.js";
import { Fold } from "./message.js";
import { stepsOf } from "./paths.js";

/** The form. `project` is the API's, with the paths that hold now. */
export function FieldPaths({ project, name, onDone }) {
  const [given, setGiven] = useState(null);
  const [problem, setProblem] = useState(null);
  const ids = [useId(), useId()];
  const now = given ?? { input_path: project?.input_path ?? "", output_path: project?.output_path ?? "" };
  const save = async (event) => {
    event.preventDefault();
    const body = { project: name };
    for (const field of ["input_path", "output_path"]) {
      const path = now[field].trim();
      try {
        if (path) stepsOf(path);
      } catch (error) {
        setProblem(`${field === "input_path" ? "Input" : "Output"}: ${error.message}`);
        return;
      }
      body[field] = path || null;
    }
    setProblem(null);
    if (await attempt(() => patch("/projects", body), "Shown fields changed")) onDone();
  };
  const field = (which) => ({
    value: now[which],
    onInput: (e) => setGiven({ ...now, [which]: e.target.value }),
  });
  return html`<section class="block"><${Fold} label="Shown fields" open=${Boolean(project?.input_path || project?.output_path)}>
    <form class="form" onSubmit=${save}>
      <p class="faint">Paths into the turn's span, for project <bdi>${oneLine(name, 60)}</bdi>: <code>inputs</code>, <code>outputs</code>, <code>attributes["name"]</code>. Empty shows the messages.</p>
      <label for=${ids[0]}>Input</label><input id=${ids[0]} spellcheck=${false} maxlength="500"
          placeholder="inputs.messages[-1].content" ...${field("input_path")} />
      <label for=${ids[1]}>Output</label><input id=${ids[1]} spellcheck=${false} maxlength="500"
          placeholder="outputs.messages[-1].content" ...${field("output_path")} />
      ${problem && html`<p class="bad" role="alert">${problem}</p>`}
      <footer><button class="primary">Save</button></footer>
    </form></${Fold}></section>`;
}
