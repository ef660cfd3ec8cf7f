// The form of a rule, with a preview on threads while it is edited.
import { patch, post } from "../lib/api.js";
import { oneLine } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Dialog } from "../lib/parts.js";
import { author } from "../annotations/author.js";
import { DryRun } from "./dry_run.js";

const CONTEXTS = {
  messages: "all messages",
  transcript: "the transcript",
  pairs: "pairs of user and assistant",
  first_and_last: "the first question and the last answer",
};
const EMPTY = {
  name: "", kind: "llm_judge", filter: "", sampling_rate: 1, budget_usd_per_day: null, model: null, prompt: "",
  context: "messages", code: "", builtin: "", outputs: [],
};

/** Return outputs as a person writes them: `solved: yes/no`, `tone: kind, rude`, `quality: 0 to 1`. */
export const outputsText = (outputs) => outputs.map((one) => `${one.name}: ${
  one.kind === "boolean" ? "yes/no" : one.kind === "categorical" ? one.categories.join(", ") : `${one.min ?? 0} to ${one.max ?? 1}`
}`).join("\n");

/** Return the outputs that a text means, a line each; what is said of one that stays is kept. */
export function outputsOf(text, before = []) {
  return text.split("\n").filter((line) => line.trim()).map((line) => {
    const [name, what = ""] = line.split(/:(.*)/s).map((part) => part.trim());
    const known = before.find((one) => one.name === name);
    const range = /^(-?[\d.]+) to (-?[\d.]+)$/.exec(what);
    const kind = what === "yes/no" ? { kind: "boolean" }
      : range || !what ? { kind: "numeric", min: Number(range?.[1] ?? 0), max: Number(range?.[2] ?? 1) }
        : { kind: "categorical", categories: what.split(",").map((one) => one.trim()).filter(Boolean) };
    return { name, description: known?.description ?? null, ...kind };
  });
}

/** A dialog that makes a rule, or changes one. */
export function RuleForm({ rule, project, onDone, onClose }) {
  const ids = Array.from({ length: 10 }, useId);
  const [given, setGiven] = useState(() => ({ ...EMPTY, ...rule, outputs: outputsText(rule?.outputs ?? []) }));
  const [problem, setProblem] = useState(null);
  const field = (name) => ({ value: given[name] ?? "", onInput: (e) => setGiven({ ...given, [name]: e.target.value }) });
  const path = `/rules/${encodeURIComponent(rule?.rule_id ?? "")}`;
  const asks = given.kind === "llm_judge";
  const fields = () => ({
    kind: given.kind,
    name: given.name.trim(),
    filter: given.filter?.trim() || null,
    sampling_rate: Number(given.sampling_rate),
    budget_usd_per_day: String(given.budget_usd_per_day ?? "").trim() ? Number(given.budget_usd_per_day) : null,
    ...(asks ? { prompt: given.prompt, model: given.model?.trim() || null, context: given.context,
      outputs: outputsOf(given.outputs, rule?.outputs) } : {}),
    ...(given.kind === "python" ? { code: given.code } : {}),
    ...(given.kind === "builtin" ? { builtin: given.builtin?.trim() } : {}),
  });
  const send = async (event) => {
    event.preventDefault();
    try {
      if (rule) await patch(path, fields());
      else await post("/rules", { ...fields(), project, author: author() || null });
      onDone();
      return onClose();
    } catch (error) {
      return setProblem(error.message);
    }
  };
  const title = rule ? `Edit ${oneLine(rule.name, 60)}` : `New rule in ${oneLine(project, 60)}`;
  return html`<${Dialog} wide title=${title} onClose=${onClose}><form class="form" onSubmit=${send}>
    <label for=${ids[0]}>Name</label><input id=${ids[0]} required maxlength="200" ...${field("name")} />
    <label for=${ids[1]}>Judged by</label><select id=${ids[1]} disabled=${Boolean(rule)} ...${field("kind")}><option
        value="llm_judge">a model</option><option value="builtin">what can be counted</option><option
        value="python">Python</option></select>
    ${asks && html`<label for=${ids[2]}>What to judge</label><textarea id=${ids[2]} rows="4" required maxlength="20000"
        placeholder="Did the assistant solve what the user came for?" ...${field("prompt")}></textarea>
      <label for=${ids[3]}>Scores, a line each</label><textarea id=${ids[3]} rows="2" placeholder="solved: yes/no" ...${
        field("outputs")}></textarea>
      <label for=${ids[4]}>It reads</label><select id=${ids[4]} ...${field("context")}>${Object.entries(CONTEXTS).map(
        ([value, words]) => html`<option key=${value} value=${value}>${words}</option>`)}</select>
      <label for=${ids[5]}>Model</label><input id=${ids[5]} maxlength="200" placeholder="the server's judge_model" ...${field("model")} />`}
    ${given.kind === "python" && html`<label for=${ids[6]}>Code</label><textarea id=${ids[6]} rows="8" required
        placeholder="def score(conversation): …" ...${field("code")}></textarea>`}
    ${given.kind === "builtin" && html`<label for=${ids[6]}>Scorer</label><input id=${ids[6]} required
        placeholder="repeated_question" ...${field("builtin")} />`}
    <label for=${ids[7]}>Filter</label><input id=${ids[7]} placeholder="turn_count > 1; empty for all" ...${field("filter")} />
    <label for=${ids[8]}>Share of the threads, 0 to 1</label><input id=${ids[8]} inputmode="decimal" ...${field("sampling_rate")} />
    <label for=${ids[9]}>US dollars a day</label><input id=${ids[9]} inputmode="decimal" placeholder="no limit of its own" ...${
      field("budget_usd_per_day")} />
    ${rule ? html`<${DryRun} path=${path} changes=${fields} />`
      : html`<p class="faint">A rule that is saved can be tried on threads.</p>`}
    ${problem && html`<p class="bad" role="alert">${oneLine(problem, 300)}</p>`}
    <footer><button type="button" onClick=${onClose}>Cancel</button><button class="primary">Save</button></footer>
  </form></${Dialog}>`;
}
