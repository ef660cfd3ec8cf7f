// Scores: shown, given, changed, taken back; with their authors and their history.
import { get, post, put } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, exact, number, oneLine, when } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { Dialog, Failed, attempt } from "../lib/parts.js";
import { author } from "./author.js";

export const THUMB = "thumb";

/** Return what a score says, short. */
export const said = (score) =>
  [score.value === null ? null : number(score.value), score.category && oneLine(score.category, 40)]
    .filter(Boolean)
    .join(" · ");

const tone = ({ value }) =>
  value === null || value < 0 || value > 1 ? "" : value >= 0.7 ? "good" : value < 0.4 ? "bad" : "middling";

/** A score in a word. */
export function ScoreChip({ score, bare = false }) {
  const authors = Object.entries(score.value_by_author);
  const reasons = Object.entries(score.reason_by_author);
  const several = authors.length > 1 || reasons.length > 1;
  const title = [
    `${oneLine(score.name)}: ${said(score)}`,
    ...(several ? authors.map(([name, value]) => `${oneLine(name)}: ${number(value)}`) : []),
    ...reasons.map(([name, why]) => (several ? `${oneLine(name)}: ` : "") + oneLine(why, 300)),
  ]
    .filter(Boolean)
    .join("\n");
  return html`<span class="score ${tone(score)}" title=${title}>${!bare &&
    html`<b><bdi>${oneLine(score.name, 40)}</bdi></b> `}${said(score)}</span>`;
}

/** What the turns of a thread have of one score, in a word: the mean, or how often which category. */
export function TurnScoreChip({ name, scores, bare = false }) {
  const labels = Object.entries(scores.categories).map(([label, n]) => `${oneLine(label, 40)} ${n}`);
  const words = scores.mean === null ? labels.slice(0, 2).join(", ") : number(scores.mean);
  const title = [
    `${oneLine(name)} on ${scores.count} ${scores.count === 1 ? "turn or span" : "turns and spans"}`,
    scores.mean !== null && `mean ${number(scores.mean)}, from ${number(scores.min)} to ${number(scores.max)}`,
    ...labels,
  ];
  return html`<span class="score below ${tone({ value: scores.mean })}" title=${title.filter(Boolean).join("\n")}>${
    !bare && html`<b><bdi>${oneLine(name, 40)}</bdi></b> `}${words}${scores.count > 1 && ` ×${scores.count}`}</span>`;
}

const FEEDBACK_MAX = 12;

/** All scores of a thread in a line: its own, then what its turns and spans add up to. Nothing without any. */
export function Feedback({ thread }) {
  const below = Object.entries(thread.turn_scores);
  const more = thread.scores.length + below.length - FEEDBACK_MAX;
  if (!thread.scores.length && !below.length) return null;
  return html`<div class="feedback" role="group" aria-label="Feedback"><b>Feedback</b>
    ${thread.scores.slice(0, FEEDBACK_MAX).map((score) => html`<${ScoreChip} key=${score.name} score=${score} />`)}
    ${below
      .slice(0, Math.max(0, FEEDBACK_MAX - thread.scores.length))
      .map(([name, scores]) => html`<${TurnScoreChip} key=${name} name=${name} scores=${scores} />`)}
    ${more > 0 && html`<span class="faint">and ${more} more in the panel</span>`}</div>`;
}

/** Thumbs up and down for a target: a score of 1 or 0 under the name "thumb". */
export function Thumbs({ target, scores, what, onChange }) {
  const name = author();
  const mine = scores.find((s) => s.name === THUMB && !s.superseded_at)?.value_by_author[name];
  const give = (value) =>
    attempt(async () => {
      if (mine === value)
        await post("/scores/delete", { scores: [{ ...target, name: THUMB, author: name }] });
      else await put("/scores", { scores: [{ ...target, name: THUMB, value, source: "ui", author: name }] });
      onChange();
    });
  return html`<span class="thumbs">
    ${[
      ["up", 1, "Good"],
      ["down", 0, "Bad"],
    ].map(
      ([icon, value, word]) => html`<button key=${icon} class="plain ${mine === value ? `on ${icon}` : ""}"
        aria-pressed=${mine === value} aria-label="${word} ${what}" title="${word} ${what}" onClick=${() => give(value)}>
      <${Icon} name=${icon} size=${14} /></button>`,
    )}
  </span>`;
}

/** The scores of a thread, a trace or a span, with a form for new ones. `place` says where one stands. */
export function Scores({ target, onChange, version = 0, place }) {
  const [history, setHistory] = useState(false);
  const [editing, setEditing] = useState(null);
  const query = { ...target, include_superseded: history, limit: 200 };
  const { data, error, again } = useAnswer((signal) => get("/scores", query, signal), [query, version]);
  const changed = () => {
    again();
    onChange?.();
  };
  const own = (data?.items ?? []).filter((s) => isOf(s, target));
  const below = (data?.items ?? []).filter((s) => !isOf(s, target));
  const takeBack = (score, by) =>
    attempt(async () => {
      await post("/scores/delete", {
        scores: [{ ...target, name: score.name, ...(by === null ? {} : { author: by }) }],
      });
      changed();
    }, "Score removed");
  return html`<section class="block scores">
    <header><h3>Scores</h3>
      <label class="check"><input type="checkbox" checked=${history} onChange=${() => setHistory(!history)} /> History</label>
      <button onClick=${() => setEditing({})}>Add score</button></header>
    ${error && html`<${Failed} error=${error} again=${again} />`}
    ${data && !own.length && !below.length && html`<p class="faint">None yet.</p>`}
    ${own.map(
      (score) => html`<${Score} key=${score.name + score.created_at} score=${score}
      onEdit=${() => setEditing(score)} onTakeBack=${(by) => takeBack(score, by)} />`,
    )}
    ${
      below.length > 0 &&
      html`<h4>On its turns and spans</h4>
      ${below.map((score) => html`<${Score} key=${[score.name, score.trace_id, score.span_id, score.turn_index, score.created_at].join()}
          score=${score} place=${place?.(score)} />`)}`
    }
    ${editing && html`<${ScoreForm} target=${target} score=${editing} onDone=${changed} onClose=${() => setEditing(null)} />`}
  </section>`;
}

const isOf = (score, target) =>
  (target.span_id ?? null) === score.span_id &&
  (target.trace_id ?? null) === score.trace_id &&
  (target.thread_id ?? null) === score.thread_id &&
  score.turn_index === null;

function Score({ score, onEdit, onTakeBack, place }) {
  const authors = Object.entries(score.value_by_author);
  const reasons = Object.entries(score.reason_by_author);
  const name = oneLine(score.name, 80);
  return html`<div class="given ${score.superseded_at ? "past" : ""}">
    <div class="line"><${ScoreChip} score=${score} />${place}
      <span class="faint" title=${exact(score.updated_at)}>${when(score.updated_at)}</span>
      ${score.superseded_at && html`<span class="faint" title=${exact(score.superseded_at)}>superseded</span>`}
      ${
        !score.superseded_at &&
        onEdit &&
        html`<span class="acts">
        <button class="plain" aria-label="Edit ${name}" onClick=${onEdit}>Edit</button>
        <button class="plain" aria-label="Remove ${name}" onClick=${() => onTakeBack(null)}>Remove</button></span>`
      }</div>
    ${reasons.map(([by, why]) => html`<p class="reason" dir="auto" key=${by}>${
      (authors.length > 1 || reasons.length > 1) && html`<b><bdi>${oneLine(by, 60)}</bdi></b> `}${why}</p>`)}
    <p class="faint by">${oneLine(score.source ?? "", 20)}${authors.length < 2 && (score.author
      ? html` · <bdi>${oneLine(score.author, 60)}</bdi>` : "")}</p>
    ${
      authors.length > 1 &&
      html`<ul class="authors">${authors.map(
        ([by, value]) => html`<li key=${by}>
      <bdi>${oneLine(by, 60)}</bdi> ${number(value)}
      ${!score.superseded_at && onTakeBack && html`<button class="plain" aria-label="Remove ${name} of ${oneLine(by, 60)}"
          onClick=${() => onTakeBack(by)}>Remove</button>`}</li>`,
      )}</ul>`
    }
  </div>`;
}

const placeholderOf = (how) =>
  how && how.min !== null && how.max !== null ? `${how.min} to ${how.max}` : "0.8";

/** A form that gives one score to one target, or to each of `targets`. */
export function ScoreForm({ target, targets, score = {}, onDone, onClose }) {
  const ids = [useId(), useId(), useId(), useId(), useId()];
  const names = useAnswer((signal) => get("/scores/names", { project: "*" }, signal), ["names"]);
  const project = (targets?.[0] ?? target).project;
  const definitions = useAnswer((signal) => get("/score-definitions", { project }, signal), [project]);
  const known = definitions.data?.items ?? [];
  const [given, setGiven] = useState({
    name: score.name ?? "",
    value: score.value_by_author?.[author()] ?? score.value ?? "",
    category: score.category ?? "",
    reason: score.reason ?? "",
  });
  const [problem, setProblem] = useState(null);
  const how = known.find((one) => one.name === given.name.trim());
  const field = (name) => ({
    value: given[name],
    onInput: (e) => setGiven({ ...given, [name]: e.target.value }),
  });
  const send = async (event) => {
    event.preventDefault();
    const value = String(given.value).trim() === "" ? null : Number(given.value);
    if (!given.name.trim()) return setProblem("Give the score a name.");
    if (value !== null && !Number.isFinite(value)) return setProblem(`"${given.value}" is no number.`);
    if (value === null && !given.category.trim()) return setProblem("Give a value, a category, or both.");
    const one = {
      name: given.name.trim(),
      value,
      category: given.category.trim() || null,
      reason: given.reason.trim() || null,
      source: "ui",
      author: author(),
    };
    try {
      await put("/scores", {
        scores: (targets ?? [target]).map((t) => ({ ...t, ...one })),
        check_definitions: true,
      });
      onDone();
      return onClose();
    } catch (error) {
      return setProblem(error.message);
    }
  };
  return html`<${Dialog} title=${score.name ? "Edit score" : "Add score"} onClose=${onClose}>
    <form onSubmit=${send} class="form">
      <label for=${ids[0]}>Name</label>
      <input id=${ids[0]} list=${ids[4]} maxlength="200" required readonly=${Boolean(score.name)} ...${field("name")} />
      <datalist id=${ids[4]}>${[...new Set([...known, ...(names.data?.items ?? [])].map((one) => one.name))].map(
        (name) => html`<option key=${name} value=${name} />`)}</datalist>
      ${how?.description && html`<p class="faint" dir="auto">${how.description}</p>`}
      <label for=${ids[1]}>Value</label>${how?.kind === "boolean" ? html`<select id=${ids[1]} ...${field("value")}>
          <option value=""></option><option value="1">yes</option><option value="0">no</option></select>`
        : html`<input id=${ids[1]} inputmode="decimal" placeholder=${placeholderOf(how)} ...${field("value")} />`}
      <label for=${ids[2]}>Category</label>${how?.categories ? html`<select id=${ids[2]} ...${field("category")}>
          <option value=""></option>${how.categories.map((one) => html`<option key=${one.label}
              value=${one.label}>${oneLine(one.label, 60)}</option>`)}</select>`
        : html`<input id=${ids[2]} maxlength="200" placeholder="helpful" ...${field("category")} />`}
      <label for=${ids[3]}>Reason</label><textarea id=${ids[3]} rows="3" maxlength="10000" ...${field("reason")}></textarea>
      ${problem && html`<p class="bad" role="alert">${problem}</p>`}
      <p class="faint">As <bdi>${author()}</bdi>${targets ? `, for ${count(targets.length, "thread")}` : ""}.</p>
      <footer><button type="button" onClick=${onClose}>Cancel</button><button class="primary">Save</button></footer>
    </form>
  </${Dialog}>`;
}
