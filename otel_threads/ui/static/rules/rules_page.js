// Rules that judge threads once they are inactive: what each has decided, and what it costs.
import { get, patch, remove } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { number, oneLine, share, usd } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/html.js";
import { Confirm, Empty, Failed, Loading, attempt } from "../lib/parts.js";
import { linkTo } from "../lib/route.js";
import { RuleForm } from "./rule_form.js";

const REFRESH_MS = 5000; // runs go on meanwhile
export const KINDS = { llm_judge: "a model", python: "Python", builtin: "counted" };
export const STATES = ["scored", "waiting", "failed", "over_budget", "not_matched", "sampled_out"];

/** Ask anew every few seconds while the page is in sight. */
export function useRefreshed(again) {
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && again(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [again]);
}

/** The page. */
export function RulesPage({ params, defaultProject }) {
  const project = params.project || "*";
  const rules = useAnswer((signal) => get("/rules", { project }, signal), [project]);
  const [making, setMaking] = useState(false);
  const [deleting, setDeleting] = useState(null);
  useRefreshed(rules.again);
  const items = rules.data?.items ?? [];
  const change = (rule) =>
    attempt(async () => {
      await patch(`/rules/${encodeURIComponent(rule.rule_id)}`, { is_enabled: !rule.is_enabled });
      rules.again();
    });
  return html`<main id="main" class="page rules">
    <h1>Rules</h1>
    <p class="lead">A rule judges each thread once it has become inactive, and writes scores.</p>
    <p><button class="primary" onClick=${() => setMaking(true)}>New rule</button></p>
    ${rules.error && !rules.data && html`<${Failed} error=${rules.error} again=${rules.again} />`}
    ${!rules.data && !rules.error && html`<${Loading} what="rules" />`}
    ${rules.data && !items.length && html`<${Empty} title="No rule yet"><p>A rule asks a model, runs Python, or counts what
        can be counted.</p></${Empty}>`}
    ${items.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Rules"><table class="simple"><thead><tr>
      <th>Rule</th><th>Project</th><th>By</th><th class="right">Of threads</th>${STATES.slice(0, 3).map((one) => html`<th
          key=${one} class="right">${one}</th>`)}<th class="right">Today</th><th class="right">In all</th><th>On</th><th><span
          class="unseen">Delete</span></th></tr></thead>
    <tbody>${items.map((one) => html`<tr key=${one.rule_id}>
      <td><a href=${linkTo("rule", { rule: one.rule_id })}><bdi>${oneLine(one.name, 80)}</bdi></a>
        ${one.problem && html`<div class="bad">${oneLine(one.problem, 200)}</div>`}</td>
      <td><bdi>${oneLine(one.project, 60)}</bdi></td><td>${KINDS[one.kind] ?? one.kind}</td>
      <td class="right">${share(one.sampling_rate)}</td>
      ${STATES.slice(0, 3).map((state) => html`<td key=${state} class="right">${number(one.counts[state] ?? 0)}</td>`)}
      <td class="right">${usd(one.cost_usd_today)}${one.budget_usd_per_day !== null && html` <span
          class="faint">of ${usd(one.budget_usd_per_day)}</span>`}</td>
      <td class="right">${usd(one.cost_usd)}</td>
      <td><input type="checkbox" checked=${one.is_enabled} aria-label="${oneLine(one.name, 60)} is on"
          onChange=${() => change(one)} /></td>
      <td><button class="plain" aria-label="Delete ${oneLine(one.name, 60)}" onClick=${() => setDeleting(one)}>Delete…</button></td></tr>`)}
    </tbody></table></div>`}
    ${making && html`<${RuleForm} project=${params.project || defaultProject} onDone=${rules.again}
        onClose=${() => setMaking(false)} />`}
    ${deleting && html`<${Confirm} title="Delete this rule?" action="Delete"
        text="What it decided is deleted; the scores that it wrote stay." onClose=${() => setDeleting(null)}
        onYes=${() => attempt(async () => {
          await remove(`/rules/${encodeURIComponent(deleting.rule_id)}`);
          rules.again();
        }, "Rule deleted")} />`}
  </main>`;
}
