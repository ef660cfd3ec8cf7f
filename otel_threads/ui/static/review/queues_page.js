// Queues of threads to review: how far each is, and a form for a new one.
import { get, post, remove } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { number, oneLine, share } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Confirm, Dialog, Empty, Failed, Loading, attempt } from "../lib/parts.js";
import { linkTo } from "../lib/route.js";

/** The page. */
export function QueuesPage({ params, defaultProject }) {
  const project = params.project || "*";
  const queues = useAnswer((signal) => get("/review-queues", { project }, signal), [project]);
  const [making, setMaking] = useState(false);
  const [deleting, setDeleting] = useState(null);
  const items = queues.data?.items ?? [];
  return html`<main id="main" class="page reviews">
    <h1>Review</h1>
    <p><button class="primary" onClick=${() => setMaking(true)}>New queue</button></p>
    ${queues.error && html`<${Failed} error=${queues.error} again=${queues.again} />`}
    ${!queues.data && !queues.error && html`<${Loading} what="queues" />`}
    ${queues.data && !items.length && html`<${Empty} title="No queue yet"><p>A queue has the threads of a filter, for
        one or more people to score.</p></${Empty}>`}
    ${items.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Queues"><table class="simple"><thead><tr>
      <th>Queue</th><th>Project</th><th>Threads</th><th>Scores</th><th class="right">Reviewers a thread</th><th
          class="right">Done</th><th>Agreement</th><th><span class="unseen">Delete</span></th></tr></thead>
    <tbody>${items.map((one) => html`<tr key=${one.queue_id}>
      <td><a href=${linkTo("review", { queue: one.queue_id })}><bdi>${oneLine(one.name, 80)}</bdi></a></td>
      <td><bdi>${oneLine(one.project, 60)}</bdi></td>
      <td class="words"><bdi>${oneLine(one.thread_ids ? "by hand" : one.filter || "all", 120)}</bdi></td>
      <td><bdi>${oneLine(one.score_names.join(", "), 80)}</bdi></td>
      <td class="right">${number(one.reviewers_per_thread)}</td>
      <td class="right">${number(one.done_count)} of ${number(one.total_count)}</td>
      <td>${one.reviewers_per_thread > 1 && html`<${Agreement} queue=${one} />`}</td>
      <td><button class="plain" aria-label="Delete ${oneLine(one.name, 60)}" onClick=${() => setDeleting(one)}>Delete…</button></td></tr>`)}
    </tbody></table></div>`}
    ${making && html`<${QueueForm} project=${params.project || defaultProject} onDone=${queues.again}
        onClose=${() => setMaking(false)} />`}
    ${deleting && html`<${Confirm} title="Delete this queue?" action="Delete" text="The scores of its reviewers stay."
        onClose=${() => setDeleting(null)} onYes=${() => attempt(async () => {
          await remove(`/review-queues/${encodeURIComponent(deleting.queue_id)}`);
          queues.again();
        }, "Queue deleted")} />`}
  </main>`;
}

function Agreement({ queue }) {
  const path = `/review-queues/${encodeURIComponent(queue.queue_id)}/agreement`;
  const { data } = useAnswer((signal) => get(path, {}, signal), [path, queue.done_count]);
  return (data?.items ?? []).map((one) => html`<div key=${one.name}><bdi>${oneLine(one.name, 40)}</bdi> ${one.alpha === null
    ? html`<span class="faint">–</span>`
    : html`<span title="Krippendorff's alpha; ${share(one.agreement)} of the pairs agree">α ${number(one.alpha)}</span>`}</div>`);
}

function QueueForm({ project, onDone, onClose }) {
  const ids = [useId(), useId(), useId(), useId(), useId()];
  const [given, setGiven] = useState({ name: "", filter: "", scores: "", reviewers: "1", instructions: "" });
  const [problem, setProblem] = useState(null);
  const field = (name) => ({ value: given[name], onInput: (e) => setGiven({ ...given, [name]: e.target.value }) });
  const send = async (event) => {
    event.preventDefault();
    try {
      await post("/review-queues", {
        name: given.name.trim(),
        project,
        filter: given.filter.trim() || "turn_count >= 0",
        score_names: given.scores.split(",").map((one) => one.trim()).filter(Boolean),
        reviewers_per_thread: Number(given.reviewers) || 1,
        instructions: given.instructions.trim() || null,
      });
      onDone();
      return onClose();
    } catch (error) {
      return setProblem(error.message);
    }
  };
  return html`<${Dialog} title="New queue in ${oneLine(project, 60)}" onClose=${onClose}><form class="form" onSubmit=${send}>
    <label for=${ids[0]}>Name</label><input id=${ids[0]} required maxlength="200" ...${field("name")} />
    <label for=${ids[1]}>Filter</label><input id=${ids[1]} placeholder="turn_count > 2; empty for all" ...${field("filter")} />
    <label for=${ids[2]}>Scores</label><input id=${ids[2]} required placeholder="helpful, tone" ...${field("scores")} />
    <label for=${ids[3]}>Reviewers a thread</label><input id=${ids[3]} inputmode="numeric" ...${field("reviewers")} />
    <label for=${ids[4]}>Instructions</label><textarea id=${ids[4]} rows="3" maxlength="10000" ...${field("instructions")}></textarea>
    ${problem && html`<p class="bad" role="alert">${problem}</p>`}
    <footer><button type="button" onClick=${onClose}>Cancel</button><button class="primary">Make</button></footer>
  </form></${Dialog}>`;
}
