// Questions in words: what a model proposes is shown and changed; it runs when the person says so.
import { post } from "../lib/api.js";
import { oneLine, usd } from "../lib/format.js";
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { handOver } from "../sql/handed.js";

const QUESTION_LENGTH_MAX = 2000; // of the API

/** Ask a model, one question at a time: `{found, error, waiting, ask(question), forget}`. */
export function useAsk(about) {
  const [state, setState] = useState({});
  const under = useRef(null);
  const forget = () => {
    under.current?.abort();
    setState({});
  };
  useEffect(() => () => under.current?.abort(), []);
  const ask = async (question) => {
    under.current?.abort();
    const stop = (under.current = new AbortController());
    setState({ waiting: true, question });
    try {
      const found = await post("/ask", { ...about, question }, stop.signal);
      if (!stop.signal.aborted) setState({ found, question });
      return found;
    } catch (error) {
      if (!stop.signal.aborted) setState({ error, question });
      return null;
    }
  };
  return { ...state, ask, forget };
}

/** The row below the filter. `onFilter(filter)` runs a filter; SQL runs on the page of SQL. */
export function AskBar({ project, onFilter, onClose }) {
  const { found, error, waiting, ask, forget } = useAsk({ project });
  const [text, setText] = useState("");
  const [draft, setDraft] = useState("");
  const input = useRef();
  const ids = [useId(), useId()];
  useLayoutEffect(() => input.current.focus(), []); // before the next key
  const send = async (event) => {
    event.preventDefault();
    if (!text.trim() || waiting) return;
    const answer = await ask(text.trim());
    setDraft(answer?.filter ?? answer?.sql ?? "");
  };
  const run = (event) => {
    event.preventDefault();
    if (found.filter) onFilter(draft.trim());
    else handOver(draft.trim(), project);
  };
  const proposes = found && (found.filter || found.sql);
  return html`<section class="askbar" aria-label="Ask in words" onKeyDown=${(e) => {
    if (e.key !== "Escape") return;
    e.stopPropagation();
    if (found || error || waiting) forget();
    else onClose();
  }}>
    <form class="inline" onSubmit=${send}>
      <label for=${ids[0]} class="unseen">Question in words</label>
      <input id=${ids[0]} ref=${input} maxlength=${QUESTION_LENGTH_MAX} autocomplete="off" dir="auto" value=${text}
        placeholder="Which conversations got slower since Monday?" onInput=${(e) => setText(e.target.value)} />
      <button class="primary" disabled=${waiting || !text.trim()}>${waiting ? html`<span class="spinner" aria-hidden="true"></span> Asking…` : "Ask"}</button>
      <button type="button" class="plain" aria-label="Close the question" onClick=${onClose}><${Icon} name="close" size=${12} /></button>
    </form>
    <div role="status" aria-live="polite">
      ${error && html`<p class="bad">${oneLine(error.message, 600)}</p>`}
      ${found && html`<p class="answer" dir="auto">${found.answer || (proposes ? "" : "The model proposes nothing.")}</p>`}
    </div>
    ${proposes && html`<form class="proposal" onSubmit=${run}>
      <label for=${ids[1]}>${found.filter ? "Filter" : "SQL"}, proposed and not run yet</label>
      <textarea id=${ids[1]} class="mono" spellcheck=${false} rows=${Math.min(10, draft.split("\n").length + 1)} value=${draft}
        onInput=${(e) => setDraft(e.target.value)}></textarea>
      <p class="ways"><button class="primary" disabled=${!draft.trim()}>${found.filter ? "Run the filter" : "Run the SQL"}</button>
        <button type="button" onClick=${forget}>Discard</button>
        <${Price} found=${found} /></p>
    </form>`}
  </section>`;
}

/** Who answered, and what it cost. */
export const Price = ({ found }) => html`<span class="faint">${oneLine(found.model ?? "", 80)} · ${
  found.cost_usd === null ? "cost unknown" : usd(found.cost_usd)}</span>`;
