// The bar above lists of traces and spans: search, filter, boxes, order, time.
import { get } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { html, useId } from "../lib/html.js";
import { FilterInput, Search, TimeRange } from "./filterbar.js";

/**
 * The bar. `of` is what the fields are of; `boxes` are `[[parameter, words]]`, `sorts` words by sort,
 * the first of them the usual one; `values(field)` returns values that are known of a field.
 */
export function ListBar({ of, params, change, boxes, sorts, values, placeholder, label, problem }) {
  const ids = [useId(), ...boxes.map(useId)];
  const fields = useAnswer((signal) => get("/fields", { of }, signal), ["fields", of]);
  const usual = Object.keys(sorts)[0];
  return html`<div class="filterbar plainbar" role="search">
    <${Search} key=${params.search ?? ""} value=${params.search ?? ""} label=${label} onSearch=${(search) => change({ search })} />
    <${FilterInput} value=${params.filter ?? ""} onFilter=${(filter) => change({ filter })} fields=${fields.data?.items ?? []}
        values=${values} problem=${problem} placeholder=${placeholder} />
    ${boxes.map(([name, words], i) => html`<label key=${name} for=${ids[i + 1]}><input id=${ids[i + 1]} type="checkbox"
        checked=${Boolean(params[name])} onChange=${(e) => change({ [name]: e.target.checked ? "1" : "" })} /> ${words}</label>`)}
    <label for=${ids[0]} class="unseen">Order</label>
    <select id=${ids[0]} value=${params.sort || usual} onChange=${(e) => change({ sort: e.target.value === usual ? "" : e.target.value })}>
      ${Object.entries(sorts).map(([sort, words]) => html`<option key=${sort} value=${sort}>${words}</option>`)}</select>
    <${TimeRange} params=${params} change=${change} />
  </div>`;
}
