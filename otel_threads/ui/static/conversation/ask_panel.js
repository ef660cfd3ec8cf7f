// Questions about this thread: a model answers, and quotes turns that can be gone to.
import { number, oneLine } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Price, useAsk } from "../threads/words.js";

const READY = {
  Summary: "Summarize this conversation in a few sentences.",
  "What was wanted": "What did the user want?",
  "Where it went wrong": "Where did it go wrong, and why?",
  "Was it resolved": "Was what the user wanted resolved?",
  Sentiment: "How did the user feel, turn by turn?",
};

/** The panel. `show(index)` goes to a turn. */
export function AskPanel({ target, show }) {
  const { error, waiting, question, ask } = useAsk(target);
  const [text, setText] = useState("");
  const [answers, setAnswers] = useState([]); // the latest first
  const id = useId();
  const put = async (words) => {
    if (!words || waiting) return;
    const found = await ask(words);
    if (!found) return;
    setAnswers((before) => [{ question: words, found }, ...before]);
    setText("");
  };
  return html`<section class="block askpanel"><header><h3>Ask</h3></header>
    <form class="inline" onSubmit=${(e) => {
      e.preventDefault();
      put(text.trim());
    }}><label for=${id} class="unseen">Question about this thread</label>
      <input id=${id} maxlength="2000" autocomplete="off" dir="auto" placeholder="Where did it go wrong?" value=${text}
        onInput=${(e) => setText(e.target.value)} />
      <button disabled=${waiting || !text.trim()}>Ask</button></form>
    <p class="ways">${Object.entries(READY).map(([label, words]) => html`<button key=${label} class="plain" title=${words} disabled=${waiting}
        onClick=${() => put(words)}>${label}</button>`)}</p>
    <div role="status" aria-live="polite">
      ${waiting && html`<p class="waiting"><span class="spinner" aria-hidden="true"></span>${oneLine(question, 200)}</p>`}
      ${error && html`<p class="bad">${oneLine(error.message, 600)}</p>`}
      ${answers.map((one, i) => html`<${Answer} key=${answers.length - i} one=${one} show=${show} />`)}
    </div>
  </section>`;
}

const Answer = ({ one, show }) => html`<article class="comment">
  <p class="faint" dir="auto">${oneLine(one.question, 300)}</p>
  <p class="words" dir="auto">${one.found.answer || "The model says nothing."}</p>
  ${one.found.evidence.length > 0 && html`<ul class="evidence">${one.found.evidence.map((quote, i) => html`<li key=${i}><button
      class="plain" onClick=${() => show(quote.turn_index)}>turn ${number(quote.turn_index + 1)}</button> <q dir="auto">${
        oneLine(quote.quote, 300)}</q></li>`)}</ul>`}
  <p><${Price} found=${one.found} /></p>
</article>`;
