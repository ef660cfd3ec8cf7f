// Two runs side by side: what each score differs in, and the items that lost most.
import { get } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, exact, number, oneLine } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Failed, Loading } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";
import { ItemLink } from "./run_page.js";

const LIMIT = 200;
const CERTAIN = 0.05; // a p-value below is told in colour

/** The page. */
export function ComparisonPage({ params }) {
  const { base, candidate, name = "" } = params;
  const found = useAnswer(
    (signal) => get("/evaluations/compare", { base, candidate, name, limit: LIMIT }, signal),
    [base, candidate, name],
  );
  if (found.error) return html`<main id="main"><${Failed} error=${found.error} again=${found.again} /></main>`;
  if (!found.data) return html`<main id="main"><${Loading} what="the comparison" /></main>`;
  const { scores, items } = found.data;
  const names = Object.keys(scores);
  const run = (one) => html`<a href=${linkTo("evaluation", { project: params.project, id: one.evaluation_id })}
      title=${exact(one.started_at)}><bdi>${oneLine(one.name, 60)}</bdi></a>`;
  return html`<main id="main" class="page evaluations">
    <p><a href=${linkTo("evaluations", { project: params.project })}>Evaluations</a></p>
    <h1>${run(found.data.base)} → ${run(found.data.candidate)}</h1>
    <p><button onClick=${() => go("comparison", { ...params, base: candidate, candidate: base })}>The other way round</button></p>
    ${!names.length && html`<p class="lead">These runs have no score of one item in common.</p>`}
    ${names.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Scores"><table class="simple"><thead><tr>
      <th>Score</th><th class="right">Before</th><th class="right">After</th><th class="right">Difference</th>
      <th class="right">In 95 of 100 cases</th><th class="right">By chance</th><th class="right">Items</th>
      <th class="right">Better</th><th class="right">Worse</th></tr></thead>
    <tbody>${names.map((one) => html`<${ScoreRow} key=${one} name=${one} score=${scores[one]} params=${params} />`)}</tbody></table></div>
    <p class="faint">${found.data.only_in_base > 0 && `${count(found.data.only_in_base, "item")} only before. `}
      ${found.data.only_in_candidate > 0 && `${count(found.data.only_in_candidate, "item")} only after.`}</p>
    <h2>What became worse first ${name && html`<small><bdi>${oneLine(name, 60)}</bdi>
      <a href=${linkTo("comparison", { ...params, name: "" })}>all scores</a></small>`}</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Items"><table class="simple"><thead><tr>
      <th>Item</th><th>Score</th><th class="right">Before</th><th class="right">After</th><th class="right">Difference</th></tr></thead>
    <tbody>${items.map((item) => html`<tr key=${item.name + item.project + item.item_id}>
      <td><${ItemLink} item=${item} /></td><td><bdi>${oneLine(item.name, 60)}</bdi></td>
      <td class="right">${number(item.base)}</td><td class="right">${number(item.candidate)}</td>
      <td class="right ${item.loss > 0 ? "bad" : "good"}">${signed(item.difference)}</td></tr>`)}</tbody></table></div>
    ${!items.length && html`<p class="faint">No item differs.</p>`}`}
  </main>`;
}

function ScoreRow({ name, score, params }) {
  const [low, high] = score.confidence_interval ?? [null, null];
  const loss = score.better === "lower" ? score.difference : -score.difference;
  const tone = score.p_value < CERTAIN && loss !== 0 ? (loss > 0 ? "bad" : "good") : "";
  return html`<tr><td><a href=${linkTo("comparison", { ...params, name })}><bdi>${oneLine(name, 60)}</bdi></a>
      ${score.better && html` <span class="faint">${score.better} is better</span>`}</td>
    <td class="right">${number(score.base_mean)}</td><td class="right">${number(score.candidate_mean)}</td>
    <td class="right ${tone}">${signed(score.difference)}</td>
    <td class="right">${signed(low)} … ${signed(high)}</td>
    <td class="right" title=${score.test === "mcnemar_exact" ? "McNemar's exact test" : "Signs flipped at random"}>${chance(score.p_value)}</td>
    <td class="right">${number(score.pair_count)}</td><td class="right">${number(score.better_count)}</td>
    <td class="right">${number(score.worse_count)}</td></tr>`;
}

const signed = (value) =>
  value === null ? "" : `${value > 0 ? "+" : ""}${Number(value.toPrecision(3))}`;
const chance = (p) => (p === null ? "" : p < 0.001 ? "< 0.1%" : `${Number((p * 100).toPrecision(2))}%`);
