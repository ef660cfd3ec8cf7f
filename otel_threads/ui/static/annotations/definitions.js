// How scores of a project are given: numbers in a range, yes or no, or one of some words.
import { get, put, remove } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { number, oneLine } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Failed, attempt } from "../lib/parts.js";

const KINDS = { numeric: "a number", boolean: "yes or no", categorical: "one of some words" };
const BETTER = { "": "neither is better", higher: "higher is better", lower: "lower is better" };
const EMPTY = { name: "", kind: "numeric", min: "0", max: "1", categories: "", description: "", better: "higher" };

/** The definitions of a project, with a form for one; a name that is there is defined anew. */
export function Definitions({ project }) {
  const { data, error, again } = useAnswer((signal) => get("/score-definitions", { project }, signal), [project]);
  const [given, setGiven] = useState(null);
  const drop = (one) =>
    attempt(async () => {
      await remove("/score-definitions", { project, name: one.name });
      again();
    }, "Definition deleted; its scores stay");
  const items = data?.items ?? [];
  return html`<section class="block definitions"><header><h3>Scores</h3>${!given && html`<button
      onClick=${() => setGiven(EMPTY)}>Define a score</button>`}</header>
    ${error && html`<${Failed} error=${error} again=${again} />`}
    ${data && !items.length && html`<p class="faint">None is defined: scores are 1 to 5 in forms, and any number is taken.</p>`}
    <ul>${items.map((one) => html`<li key=${one.name} class="given"><div class="line"><b><bdi>${oneLine(one.name, 80)}</bdi></b>
      <span class="faint" title=${oneLine(one.description ?? "", 500)}>${oneLine(wordsOf(one), 200)}</span>
      <span class="acts"><button class="plain" aria-label="Edit ${oneLine(one.name, 60)}" onClick=${() => setGiven(formOf(one))}>Edit</button>
        <button class="plain" aria-label="Delete ${oneLine(one.name, 60)}" onClick=${() => drop(one)}>Delete</button></span></div></li>`)}</ul>
    ${given && html`<${Form} key=${given.name} given=${given} project=${project} onClose=${() => setGiven(null)} onDone=${again} />`}
  </section>`;
}

function Form({ given: before, project, onDone, onClose }) {
  const ids = Array.from({ length: 7 }, useId);
  const [given, setGiven] = useState(before);
  const [problem, setProblem] = useState(null);
  const field = (name) => ({ value: given[name], onInput: (e) => setGiven({ ...given, [name]: e.target.value }) });
  const save = async (event) => {
    event.preventDefault();
    try {
      await put("/score-definitions", { project, ...definitionOf(given) });
      onDone();
      return onClose();
    } catch (error) {
      return setProblem(error.message);
    }
  };
  return html`<form class="form" onSubmit=${save}>
    <label for=${ids[0]}>Name of the score</label><input id=${ids[0]} required maxlength="200" disabled=${Boolean(before.name)} ...${field("name")} />
    <label for=${ids[1]}>It is</label><select id=${ids[1]} ...${field("kind")}>${Object.entries(KINDS).map(([kind, words]) => html`<option key=${kind}
        value=${kind}>${words}</option>`)}</select>
    ${given.kind === "numeric" && html`<label for=${ids[2]}>From</label><input id=${ids[2]} inputmode="decimal" ...${field("min")} />
      <label for=${ids[3]}>To</label><input id=${ids[3]} inputmode="decimal" ...${field("max")} />`}
    ${given.kind === "categorical" && html`<label for=${ids[4]}>Words, separated by commas; a number may follow: good = 1</label>
      <input id=${ids[4]} required placeholder="good = 1, bad = 0" ...${field("categories")} />`}
    <label for=${ids[5]}>Of two scores</label><select id=${ids[5]} ...${field("better")}>${Object.entries(BETTER).map(([better, words]) => html`<option
        key=${better} value=${better}>${words}</option>`)}</select>
    <label for=${ids[6]}>What it says</label><input id=${ids[6]} maxlength="10000" ...${field("description")} />
    ${problem && html`<p class="bad" role="alert">${oneLine(problem, 300)}</p>`}
    <footer><button type="button" onClick=${onClose}>Cancel</button><button class="primary">Save the score</button></footer>
  </form>`;
}

const wordsOf = (one) =>
  one.kind === "numeric" ? `${number(one.min)} to ${number(one.max)}`
    : one.kind === "boolean" ? KINDS.boolean : (one.categories ?? []).map(({ label }) => label).join(", ");

const formOf = (one) => ({
  name: one.name,
  kind: one.kind,
  min: String(one.min ?? ""),
  max: String(one.max ?? ""),
  categories: (one.categories ?? []).map(({ label, value }) => (value === null ? label : `${label} = ${value}`)).join(", "),
  description: one.description ?? "",
  better: one.better ?? "",
});

function definitionOf(given) {
  const numberOf = (text) => (text.trim() === "" ? null : Number(text));
  const numeric = given.kind === "numeric" ? { min: numberOf(given.min), max: numberOf(given.max) } : {};
  const words = given.categories.split(",").map((one) => /^(.*?)(?:=\s*(-?[\d.]+))?$/s.exec(one.trim())).filter((found) => found[1].trim());
  const categories = words.map(([, label, value]) => ({ label: label.trim(), value: value === undefined ? null : Number(value) }));
  return {
    name: given.name.trim(),
    kind: given.kind,
    ...numeric,
    ...(given.kind === "categorical" ? { categories } : {}),
    description: given.description.trim() || null,
    better: given.better || null,
  };
}
