// Comments on a thread or a trace.
import { get, patch, post, remove } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { exact, oneLine, when } from "../lib/format.js";
import { html, useId, useState } from "../lib/html.js";
import { Failed, attempt } from "../lib/parts.js";
import { author } from "./author.js";

/** The comments of a target, with a form for new ones; `version` grows when others may have written. */
export function Comments({ target, onChange, version }) {
  const { data, error, again } = useAnswer(
    (signal) => get("/comments", { ...target, limit: 500 }, signal),
    { ...target, version },
  );
  const [text, setText] = useState("");
  const [editing, setEditing] = useState(null);
  const [draft, setDraft] = useState("");
  const id = useId();
  const after = (act, done) =>
    attempt(async () => {
      await act();
      again();
      onChange?.();
    }, done);
  const write = async (event) => {
    event.preventDefault();
    if (
      text.trim() &&
      (await after(() => post("/comments", { ...target, text: text.trim(), author: author() })))
    )
      setText("");
  };
  const change = async (event) => {
    event.preventDefault();
    if (draft.trim() && (await after(() => patch(`/comments/${editing}`, { text: draft.trim() }))))
      setEditing(null);
  };
  return html`<section class="block comments">
    <header><h3>Comments</h3></header>
    ${error && html`<${Failed} error=${error} again=${again} />`}
    ${(data?.items ?? []).map(
      (one) => html`<article key=${one.id} class="comment">
      <p class="faint"><bdi>${oneLine(one.author ?? "anonymous", 60)}</bdi> · <span
          title=${exact(one.created_at)}>${when(one.created_at)}</span>
        ${one.updated_at !== one.created_at && html` · <span title=${exact(one.updated_at)}>edited</span>`}</p>
      ${
        editing === one.id
          ? html`<form onSubmit=${change}><textarea aria-label="Comment" rows="3" maxlength="10000" value=${draft}
              onInput=${(e) => setDraft(e.target.value)}></textarea>
            <footer><button type="button" onClick=${() => setEditing(null)}>Cancel</button><button
                class="primary">Save</button></footer></form>`
          : html`<p class="words" dir="auto">${one.text}</p>
            <p class="acts"><button class="plain" onClick=${() => {
              setEditing(one.id);
              setDraft(one.text);
            }}>Edit</button>
            <button class="plain" onClick=${() => after(() =>
              remove(`/comments/${one.id}`), "Comment deleted")}>Delete</button></p>`
      }
    </article>`,
    )}
    <form onSubmit=${write}>
      <label for=${id} class="unseen">New comment</label>
      <textarea id=${id} rows="2" maxlength="10000" placeholder="Write a comment…" value=${text}
          onInput=${(e) => setText(e.target.value)}
        onKeyDown=${(e) => (e.ctrlKey || e.metaKey) && e.key === "Enter" && write(e)}></textarea>
      ${text.trim() && html`<footer><button class="primary">Comment</button></footer>`}
    </form>
  </section>`;
}
