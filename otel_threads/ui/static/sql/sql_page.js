// SQL on the page: a query is written or shown, and runs when somebody says so.
import { post, postExact, saved } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, oneLine } from "../lib/format.js";
import { html, useEffect, useId, useRef, useState } from "../lib/html.js";
import { Copy, attempt } from "../lib/parts.js";
import { go } from "../lib/route.js";
import { take } from "./handed.js";
import { Rows } from "./rows.js";
import { Tables } from "./tables.js";

const ROWS_MAX = 1000; // shown; a file has as many as the server gives
const FIRST = `select thread_id, project, turn_count, error_count, cost_usd, first_message
from threads
order by last_activity_time desc
limit 100`;

/** The page. */
export function SqlPage({ params }) {
  const [text, setText] = useState(params.sql || FIRST);
  const [state, setState] = useState({});
  const under = useRef(null);
  const box = useRef();
  const id = useId();
  const tables = useAnswer((signal) => post("/sql", { sql: TABLES }, signal), ["tables"]);
  const run = async (query) => {
    under.current?.abort();
    const stop = (under.current = new AbortController());
    setState((before) => ({ ...before, waiting: true, error: null }));
    const started = performance.now();
    try {
      const found = await postExact("/sql", { sql: query, rows_max: ROWS_MAX }, stop.signal);
      if (!stop.signal.aborted) setState({ found, query, ms: performance.now() - started });
    } catch (error) {
      if (!stop.signal.aborted) setState({ error });
    }
  };
  useEffect(() => () => under.current?.abort(), []);
  useEffect(() => {
    if (!params.sql) return;
    setText(params.sql);
    if (take(params.sql)) run(params.sql);
  }, [params.sql]);
  const send = (event) => {
    event?.preventDefault();
    const query = text.trim();
    if (!query) return;
    go("sql", { ...params, sql: query }, { replace: true });
    run(query);
  };
  const stop = () => {
    under.current?.abort();
    setState((before) => ({ ...before, waiting: false }));
  };
  const insert = (words) => {
    const { selectionStart: from, selectionEnd: to } = box.current;
    setText(text.slice(0, from) + words + text.slice(to));
    box.current.focus();
  };
  const { found, error, waiting, query, ms } = state;
  return html`<main id="main" class="page sql-page">
    <h1>SQL</h1>
    <p class="lead">One SELECT in DuckDB's dialect over the tables on the right. It reads, and can change nothing.</p>
    <div class="sides-sql"><div>
      <form onSubmit=${send}>
        <label for=${id} class="unseen">Query</label>
        <textarea id=${id} ref=${box} class="mono" rows=${Math.min(20, Math.max(6, text.split("\n").length + 1))} spellcheck=${false}
          maxlength="1000000" value=${text} onInput=${(e) => setText(e.target.value)}
          onKeyDown=${(e) => (e.ctrlKey || e.metaKey) && e.key === "Enter" && send(e)}></textarea>
        <p class="ways"><button class="primary" disabled=${!text.trim()} title="Run  Ctrl + Enter">Run</button>
          ${waiting && html`<button type="button" onClick=${stop}><span class="spinner" aria-hidden="true"></span> Stop</button>`}
          <${Copy} label="Copy" what="Copy the query" text=${text} />
          ${found && html`<button type="button" onClick=${() =>
            attempt(() => saved("/sql", { sql: query, format: "csv" }, "result.csv"))}>CSV</button>`}
          <span class="faint" role="status">${found && !waiting ? `${found.truncated ? "the first " : ""}${count(found.rows.length, "row")} in ${
            Math.round(ms)} ms` : ""}</span></p>
      </form>
      ${error && html`<p class="bad sqlproblem" role="alert">${oneLine(error.message, 2000)}</p>`}
      ${found && html`<${Rows} found=${found} />`}
    </div>
    <${Tables} answer=${tables} insert=${insert} /></div>
  </main>`;
}

const TABLES = `select c.table_name, coalesce(t.comment, v.comment) as about, c.column_name, c.data_type, c.comment
from duckdb_columns() c
left join duckdb_tables() t on t.table_name = c.table_name and t.database_name = c.database_name
left join duckdb_views() v on v.view_name = c.table_name and v.database_name = c.database_name
where not c.internal and not starts_with(c.table_name, 'x_') and c.table_name <> 'schema_version'
order by coalesce(list_position(['threads', 'turns', 'messages', 'traces', 'calls', 'spans', 'scores', 'comments'], c.table_name), 99),
  c.table_name, c.column_index`;
