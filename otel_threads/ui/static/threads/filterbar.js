// The bar above the list: filter with completion and readable errors, search, status, time.
import { html, useEffect, useId, useMemo, useRef, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { useKeys } from "../lib/keys.js";
import { Menu } from "../lib/parts.js";
import { completions } from "./completion.js";
import { rangeLabel, RANGES } from "./selection.js";

const EXAMPLE = 'Filter  f   error_count > 0 and model = "gpt-4o"';

/** The bar. `change(params)` puts parameters into the address; `problem` is the API's error. */
export function FilterBar({ params, change, fields, values, problem, children }) {
  return html`<div class="filterbar" role="search">
    <${Search} key=${params.search ?? ""} value=${params.search ?? ""} onSearch=${(search) => change({ search })} />
    <${FilterInput} value=${params.filter ?? ""} onFilter=${(filter) => change({ filter })} fields=${fields} values=${values}
        problem=${problem} />
    <label class="unseen" for="status">Status</label>
    <select id="status" value=${params.status ?? ""} onChange=${(e) => change({ status: e.target.value })}>
      <option value="">Any status</option><option value="active">Active</option><option value="inactive">Inactive</option>
    </select>
    <${TimeRange} params=${params} change=${change} />
    ${children}
  </div>`;
}

/** The search field of a bar. */
export function Search({ value, onSearch, label = "Search ids and messages" }) {
  const [text, setText] = useState(value);
  const input = useRef();
  const id = useId();
  useKeys({ "/": () => input.current.focus() });
  return html`<form class="search" onSubmit=${(e) => {
    e.preventDefault();
    onSearch(text.trim());
  }}>
    <${Icon} name="search" size=${14} />
    <label for=${id} class="unseen">${label}</label>
    <input id=${id} ref=${input} type="search" maxlength="1000" placeholder="Search  /" value=${text}
      onInput=${(e) => {
        setText(e.target.value);
        if (!e.target.value && value) onSearch("");
      }} />
  </form>`;
}

/** The filter, with completion. */
export function FilterInput({ value, onFilter, fields, values, problem, placeholder = EXAMPLE }) {
  const [text, setText] = useState(value);
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const input = useRef();
  const id = useId();
  useEffect(() => setText(value), [value]);
  const { items, from, to } = useMemo(
    () => (open ? completions(text, caret, fields, values) : { items: [], from: 0, to: 0 }),
    [open, text, caret, fields, values],
  );
  const look = () => {
    setCaret(input.current.selectionStart);
    setChosen(-1);
  };
  const take = (item) => {
    const made = text.slice(0, from) + item.text + text.slice(to).replace(/^ /, "");
    const at = from + item.text.length;
    // At once, not a frame later: a caret set after the next key has come would stand before it.
    input.current.value = made;
    input.current.setSelectionRange(at, at);
    setText(made);
    look();
  };
  const key = (e) => {
    if (e.key === "Escape" && open && items.length) setOpen(false);
    else if (e.key === "ArrowDown" && !open) setOpen(true);
    else if ((e.key === "ArrowDown" || e.key === "ArrowUp") && items.length) {
      setChosen((chosen + (e.key === "ArrowDown" ? 1 : items.length)) % items.length);
    } else if ((e.key === "Enter" || e.key === "Tab") && open && items[chosen]) take(items[chosen]);
    else if (e.key === "Enter") {
      setOpen(false);
      onFilter(text.trim());
    } else return;
    if (e.key !== "Tab" || (open && items[chosen])) e.preventDefault();
  };
  useKeys({ f: () => input.current.focus() });
  return html`<div class="filter ${problem ? "wrong" : ""}">
    <label for=${id} class="unseen">Filter</label>
    <input id=${id} ref=${input} value=${text} maxlength="10000" spellcheck=${false} autocomplete="off"
      placeholder=${placeholder}
      role="combobox" aria-expanded=${open && items.length > 0} aria-controls="${id}-list" aria-autocomplete="list"
      aria-activedescendant=${items[chosen] ? `${id}-${chosen}` : undefined} aria-invalid=${Boolean(problem)}
      aria-describedby="${id}-problem"
      onInput=${(e) => {
        setText(e.target.value);
        setOpen(true);
        look();
      }}
      onFocus=${() => {
        look();
        setOpen(true);
      }}
      onClick=${look} onKeyUp=${(e) => e.key.startsWith("Arrow") && !open && look()} onBlur=${() => setOpen(false)}
      onKeyDown=${key} />
    ${
      text &&
      html`<button class="plain clear" aria-label="Clear the filter" onClick=${() => {
        setText("");
        onFilter("");
      }}><${Icon} name="close" size=${12} /></button>`
    }
    <ul id="${id}-list" role="listbox" aria-label="Completions" class="completions" hidden=${!open || !items.length}>
      ${items.map(
        (item, i) => html`<li key=${item.text} id="${id}-${i}" role="option" aria-selected=${i === chosen}
        onMouseDown=${(e) => {
          e.preventDefault();
          take(item);
        }}><code>${item.text.trim()}</code> <span class="faint">${item.hint}</span></li>`,
      )}
    </ul>
    <div id="${id}-problem" role="alert">${problem && html`<${Problem} text=${value} problem=${problem} />`}</div>
  </div>`;
}

function Problem({ text, problem }) {
  const at = problem.position;
  const words = problem.message.replace(/^filter, at position \d+: /, "");
  return html`<div class="problem">
    ${at !== null && html`<code class="where">${text.slice(0, at)}<mark>${text.slice(at, at + 1) || " "}</mark>${text.slice(at + 1)}</code>`}
    <p>${words}</p></div>`;
}

/** The menu of time ranges, with a cross where one is chosen. */
export function TimeRange({ params, change }) {
  const label = rangeLabel(params);
  const pick = (close, given) => () => {
    change({ range: "", from: "", to: "", ...given });
    close();
  };
  const isSome = params.range || params.from || params.to;
  return html`<span class="timerange ${isSome ? "some" : ""}"><${Menu} label=${label} title="Time range" align="right">
    ${(close) => html`<div class="choices">
      <button class=${!params.range && !params.from && !params.to ? "on" : ""} onClick=${pick(close, {})}>All time</button>
      ${Object.entries(RANGES).map(([range, [words]]) => html`<button key=${range} class=${params.range === range ? "on" : ""}
          onClick=${pick(close, { range })}>${words}</button>`)}
      <${Between} params=${params} onDone=${(given) => pick(close, given)()} />
    </div>`}
  </${Menu}>${isSome && html`<button class="plain" aria-label="All time" title="All time"
      onClick=${() => change({ range: "", from: "", to: "" })}><${Icon} name="close" size=${12} /></button>`}</span>`;
}

const local = (time) => {
  if (!time) return "";
  const date = new Date(time);
  return new Date(date - date.getTimezoneOffset() * 60e3).toISOString().slice(0, 16);
};

function Between({ params, onDone }) {
  const [from, setFrom] = useState(local(params.from));
  const [to, setTo] = useState(local(params.to));
  const [ids] = useState([`from-${Math.random()}`, `to-${Math.random()}`]);
  return html`<form class="between" onSubmit=${(e) => {
    e.preventDefault();
    onDone({ from: from && new Date(from).toISOString(), to: to && new Date(to).toISOString() });
  }}>
    <label for=${ids[0]}>From</label><input id=${ids[0]} type="datetime-local" value=${from}
        onInput=${(e) => setFrom(e.target.value)} />
    <label for=${ids[1]}>To</label><input id=${ids[1]} type="datetime-local" value=${to}
        onInput=${(e) => setTo(e.target.value)} />
    <button class="primary">Apply</button>
  </form>`;
}
