// One rule: what it is, what it decided about threads and why; tried on threads, backfilled, changed.
import { get, post } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, exact, number, oneLine, share, usd, when } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Dialog, Empty, Failed, Loading, toast } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";
import { RuleForm } from "./rule_form.js";
import { KINDS, STATES, useRefreshed } from "./rules_page.js";
import { DryRun, Given } from "./dry_run.js";

const LIMIT = 50;

/** The page. */
export function RulePage({ params }) {
  const path = `/rules/${encodeURIComponent(params.rule ?? "")}`;
  const rule = useAnswer((signal) => get(path, {}, signal), [path]);
  const [open, setOpen] = useState(null);
  useRefreshed(rule.again);
  const one = rule.data;
  if (!one) {
    return html`<main id="main" class="page rules">${rule.error
      ? html`<${Failed} error=${rule.error} again=${rule.again} />`
      : html`<${Loading} what="the rule" />`}</main>`;
  }
  const close = () => setOpen(null);
  return html`<main id="main" class="page rules">
    <h1><bdi>${oneLine(one.name, 120)}</bdi></h1>
    ${one.problem && html`<p class="bad" role="alert">${oneLine(one.problem, 300)}</p>`}
    <dl class="facts inline">
      ${[
        ["By", KINDS[one.kind] ?? one.kind],
        ["Project", oneLine(one.project, 60)],
        ["Is", one.is_enabled ? "on" : "off"],
        ["Filter", oneLine(one.filter ?? "none", 200)],
        ["Of threads", share(one.sampling_rate)],
        ["Version", `${one.version} · judge ${one.judge_version}`],
        ["Today", usd(one.cost_usd_today) + (one.budget_usd_per_day === null ? "" : ` of ${usd(one.budget_usd_per_day)}`)],
        ["In all", usd(one.cost_usd)],
      ].map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd><bdi>${value}</bdi></dd></div>`)}
    </dl>
    ${(one.prompt || one.code || one.builtin) && html`<pre class="plaintext">${one.prompt || one.code || one.builtin}</pre>`}
    <p class="ways"><button class="primary" onClick=${() => setOpen("edit")}>Edit</button>
      <button onClick=${() => setOpen("try")}>Try</button>
      <button onClick=${() => setOpen("backfill")}>Judge older threads…</button></p>
    <${Decisions} path=${path} rule=${one} state=${params.state} />
    ${open === "edit" && html`<${RuleForm} rule=${one} onDone=${rule.again} onClose=${close} />`}
    ${open === "try" && html`<${Dialog} wide title="Try it on the latest threads" onClose=${close}><${DryRun} path=${path} /></${Dialog}>`}
    ${open === "backfill" && html`<${Backfill} path=${path} rule=${one} onDone=${rule.again} onClose=${close} />`}
  </main>`;
}

function Decisions({ path, rule, state }) {
  const about = [path, state, JSON.stringify(rule.counts)];
  const query = { state, limit: LIMIT };
  const { data, error, again } = useAnswer((signal) => get(`${path}/decisions`, query, signal), about);
  const items = data?.items ?? [];
  const show = (chosen) => go("rule", { rule: rule.rule_id, state: chosen });
  return html`<h2>What it decided</h2>
    <p class="ways" role="group" aria-label="State"><button aria-pressed=${!state} onClick=${() => show("")}>All</button>
      ${STATES.map((one) => html`<button key=${one} aria-pressed=${state === one} onClick=${() => show(one)}>${one.replace("_", " ")} ${
        number(rule.counts[one] ?? 0)}</button>`)}</p>
    ${error && html`<${Failed} error=${error} again=${again} />`}
    ${data && !items.length && html`<${Empty} title="None"><p>Threads appear once they are active after the rule was made.</p></${Empty}>`}
    ${items.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Decisions"><table class="simple"><thead><tr>
      <th>Thread</th><th>State</th><th>Why, or what it gave</th><th class="right">Cost</th><th class="right">When</th></tr></thead>
    <tbody>${items.map((one) => html`<tr key=${`${one.project}/${one.thread_id}`}>
      <td><a href=${linkTo("thread", { project: one.project, thread_id: one.thread_id })}><bdi>${oneLine(one.thread_id, 60)}</bdi></a></td>
      <td>${one.state.replace("_", " ")}</td>
      <td class="words" title=${oneLine(one.reason ?? "", 1000)}>${one.scores.length
        ? html`<${Given} scores=${one.scores} />` : html`<bdi>${oneLine(one.reason ?? "", 160)}</bdi>`}</td>
      <td class="right">${usd(one.cost_usd)}</td>
      <td class="right" title=${exact(one.decided_at)}>${when(one.decided_at)}</td></tr>`)}
    </tbody></table></div>`}`;
}

function Backfill({ path, rule, onDone, onClose }) {
  const ids = [useId(), useId()];
  const [given, setGiven] = useState({ limit: "100", budget_usd: rule.kind === "llm_judge" ? "1" : "" });
  const [problem, setProblem] = useState(null);
  const field = (name) => ({ value: given[name], onInput: (e) => setGiven({ ...given, [name]: e.target.value }) });
  const send = async (event) => {
    event.preventDefault();
    try {
      const numbers = Object.entries(given).filter(([, text]) => text.trim());
      const { queued } = await post(`${path}/backfill`, Object.fromEntries(numbers.map(([k, v]) => [k, Number(v)])));
      toast(`${count(queued, "thread")} queued`);
      onDone();
      return onClose();
    } catch (error) {
      return setProblem(error.message);
    }
  };
  return html`<${Dialog} title="Judge threads of before the rule" onClose=${onClose}><form class="form" onSubmit=${send}>
    <label for=${ids[0]}>Threads, the latest first</label><input id=${ids[0]} inputmode="numeric" ...${field("limit")} />
    <label for=${ids[1]}>What it may cost, in US dollars</label><input id=${ids[1]} inputmode="decimal" ...${field("budget_usd")} />
    ${problem && html`<p class="bad" role="alert">${oneLine(problem, 300)}</p>`}
    <footer><button type="button" onClick=${onClose}>Cancel</button><button class="primary">Judge</button></footer>
  </form></${Dialog}>`;
}
