// Review at reading speed: a thread, its scores by single keys, the next thread.
import { get, post, put } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, number, oneLine } from "../lib/format.js";
import { html, useCallback, useEffect, useState } from "../lib/html.js";
import { useKeys } from "../lib/keys.js";
import { Empty, Failed, Loading, attempt } from "../lib/parts.js";
import { linkTo } from "../lib/route.js";
import { author } from "../annotations/author.js";
import { Turn } from "../conversation/turn.js";
import { actOf, askedOf, choicesOf, howOf } from "./answers.js";

const TURNS = 200;
const NO_PATHS = { input_path: null, output_path: null };

/** The page. */
export function ReviewPage({ params }) {
  const path = `/review-queues/${encodeURIComponent(params.queue)}`;
  const reviewer = author();
  const queue = useAnswer((signal) => get(path, {}, signal), [path]);
  const next = useAnswer((signal) => get(`${path}/next`, { reviewer }, signal), [path, reviewer]);
  if (queue.error || next.error)
    return html`<main id="main"><${Failed} error=${queue.error ?? next.error} again=${() => {
      queue.again();
      next.again();
    }} /></main>`;
  if (!queue.data || !next.data) return html`<main id="main"><${Loading} what="the next thread" /></main>`;
  if (!next.data.thread_id)
    return html`<main id="main" class="page"><${Empty} title="Nothing is left for you"><p>${number(next.data.done_count)} of
      ${count(next.data.total_count, "thread")} done. <a href=${linkTo("reviews")}>To the queues</a></p></${Empty}></main>`;
  return html`<${Reviewing} key=${next.data.thread_id} path=${path} queue=${queue.data} at=${next.data} reviewer=${reviewer}
      onDone=${next.again} />`;
}

function Reviewing({ path, queue, at, reviewer, onDone }) {
  const target = { project: at.project, thread_id: at.thread_id };
  const turns = useAnswer((signal) => get("/threads/turns", { ...target, limit: TURNS }, signal), [target]);
  const definitions = useAnswer(
    (signal) => get("/score-definitions", { project: at.project }, signal),
    [at.project],
  );
  const [given, setGiven] = useState({});
  const [picked, setPicked] = useState(null);
  const [busy, setBusy] = useState(false);
  const hows = queue.score_names.map((name) => howOf(name, definitions.data?.items ?? []));
  const askedName = picked ?? askedOf(queue.score_names, given);
  const asked = hows.find((how) => how.name === askedName) ?? null;
  const give = (answer) => {
    setGiven({ ...given, [answer.name]: answer });
    setPicked(null);
  };
  const finish = async () => {
    if (busy) return;
    setBusy(true);
    const scores = Object.values(given).map((one) => ({ ...target, ...one, author: reviewer, source: "ui" }));
    const done = await attempt(async () => {
      if (scores.length) await put("/scores", { scores, check_definitions: true });
      await post(`${path}/done`, { thread_id: at.thread_id, reviewer });
    });
    setBusy(false);
    if (done) onDone();
  };
  const keys = {};
  for (const key of ["y", "n", "Enter", ..."0123456789"])
    keys[key] = (event) => {
      if (key === "Enter" && event.target.closest?.("a, button, summary")) return false;
      const act = actOf(key, asked);
      if (!act) return false;
      if (act.give) give(act.give);
      else finish();
      return true;
    };
  useKeys(keys);
  useEffect(() => document.querySelector(".review .turns")?.focus(), [at.thread_id]);
  const traceLink = useCallback((turn, trace_id) => linkTo("trace", { trace_id, project: turn.project }), []);
  const items = turns.data?.items ?? [];
  return html`<main id="main" class="conversation-page with-side review">
    <header class="pagehead"><a class="button" href=${linkTo("reviews")}>Queues</a>
      <h1><bdi>${oneLine(at.thread_id, 200)}</bdi></h1>
      <span class="summary"><span>${number(at.done_count)} of ${number(at.total_count)} done</span><span>you: ${number(at.own_done_count)}</span></span>
      <span class="end"><a class="button" href=${linkTo("thread", target)}>Open</a></span></header>
    <div class="columns">
      <div class="turns" tabindex="0" role="region" aria-label="Conversation"><h2 class="unseen">Conversation</h2>
        ${turns.error && html`<${Failed} error=${turns.error} again=${turns.again} />`}
        ${turns.loading && html`<${Loading} what="turns" />`}
        ${items.map((turn, i) => html`<${Turn} key=${turn.turn_index} turn=${turn} system=${items[i - 1]?.system} paths=${NO_PATHS}
            raw=${false} traceLink=${traceLink} isCurrent=${false} onChange=${turns.again} />`)}
        ${turns.data?.next_cursor && html`<p class="faint">The thread has more turns: <a href=${linkTo("thread", target)}>open it</a>.</p>`}
      </div>
      <aside class="side" aria-label="Scores to give">
        ${queue.instructions && html`<section class="block"><p dir="auto">${queue.instructions}</p></section>`}
        ${hows.map((how) => html`<${Question} key=${how.name} how=${how} given=${given[how.name]} isAsked=${how.name === askedName}
            give=${give} pick=${() => setPicked(how.name)} />`)}
        <section class="block"><button class="primary" disabled=${busy} onClick=${finish}>Next thread</button>
          <p class="faint">n or Enter. As <bdi>${reviewer}</bdi>.</p></section>
      </aside>
    </div></main>`;
}

function Question({ how, given, isAsked, give, pick }) {
  const choices = choicesOf(how);
  const is = (one) => given && given.value === one.value && given.category === one.category;
  return html`<section class="block ${isAsked ? "asked" : ""}" aria-current=${isAsked ? "step" : undefined}>
    <header><h3><bdi>${oneLine(how.name, 80)}</bdi></h3>${given && !isAsked && html`<button class="plain"
        onClick=${pick}>Change</button>`}</header>
    ${how.description && html`<p class="faint" dir="auto">${oneLine(how.description, 500)}</p>`}
    <div class="choices" role="group" aria-label=${oneLine(how.name, 80)}>${choices.map((one) => html`<button key=${one.key}
        aria-pressed=${Boolean(is(one))} class=${is(one) ? "primary" : ""} title="${one.label}  ${one.key}"
        onClick=${() => give({ name: how.name, value: one.value, category: one.category })}><kbd>${one.key}</kbd>
        <bdi>${oneLine(one.label, 60)}</bdi></button>`)}</div>
    ${!choices.length && html`<input inputmode="decimal" aria-label=${oneLine(how.name, 80)} onChange=${(e) =>
      Number.isFinite(Number(e.target.value)) && e.target.value.trim() !== "" &&
      give({ name: how.name, value: Number(e.target.value), category: null })} />`}
  </section>`;
}
