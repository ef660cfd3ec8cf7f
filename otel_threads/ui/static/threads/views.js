// Saved views: a filter, a sort and columns under a name, for everybody who uses this server.
import { get, post, remove } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { oneLine } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { Failed, Menu, attempt } from "../lib/parts.js";
import { columnsOf, columnsText } from "./columns.js";
import { DEFAULT_SORT, asFilter } from "./selection.js";

/** A menu of saved views. `open(params)` shows one; `version` grows when one has changed. */
export function Views({ params, columns, sort, defaultProject, version, open }) {
  const project = params.project || "*";
  const { data, error, again } = useAnswer((signal) => get("/views", { project }, signal), [project, version]);
  const [name, setName] = useState("");
  const id = useId();
  const where = project === "*" ? defaultProject : project;
  const save = async (event) => {
    event.preventDefault();
    if (!name.trim()) return;
    const view = {
      project: where,
      name: name.trim(),
      filter: asFilter(params) || null,
      sort,
      columns: columns.map(({ column }) => column.id),
    };
    if (await attempt(() => post("/views", view), `Saved as “${name.trim()}”`)) {
      setName("");
      again();
    }
  };
  const show = (view, close) => {
    const everyProject = project === "*";
    const shown = columnsOf(view.columns.map(encodeURIComponent).join(","), everyProject);
    open({
      project: params.project,
      filter: view.filter ?? "",
      sort: view.sort === DEFAULT_SORT ? "" : view.sort,
      columns: view.columns.length ? columnsText(shown, everyProject) : "",
    });
    close();
  };
  return html`<${Menu} icon="star" title="Saved views" label="Views">
    ${(close) => html`<div class="views">
      ${error && html`<${Failed} error=${error} again=${again} />`}
      ${data && !data.items.length && html`<p class="faint">No view is saved yet. A view keeps filter, search, status, sort and columns.</p>`}
      <ul>${(data?.items ?? []).map(
        (view) => html`<li key=${view.project + view.name}>
        <button class="plain view" onClick=${() => show(view, close)}
            title=${view.filter ?? "no filter"}><bdi>${oneLine(view.name, 80)}</bdi>
          ${project === "*" && html` <span class="faint"><bdi>${oneLine(view.project, 40)}</bdi></span>`}</button>
        <button class="plain" aria-label="Delete view ${oneLine(view.name, 80)}" onClick=${() =>
          attempt(async () => {
            await remove("/views", { project: view.project, name: view.name });
            again();
          }, "View deleted")}><${Icon} name="close" size=${12} /></button></li>`,
      )}</ul>
      <form class="inline" onSubmit=${save}><label for=${id} class="unseen">Name of the view</label>
        <input id=${id} placeholder="Save this view as…" maxlength="200" value=${name}
            onInput=${(e) => setName(e.target.value)} />
        <button class="primary" disabled=${!name.trim()}>Save</button></form>
    </div>`}
  </${Menu}>`;
}
