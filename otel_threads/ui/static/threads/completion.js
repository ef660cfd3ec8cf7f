// Completion for the filter language: what may stand at the caret. Source: docs/filters.md.
const TOKEN = /\s+|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|>=|<=|!=|[=<>(),]|[^\s"'=<>!(),]+|./gsy;
const NO_VALUE = ["is_null", "is_not_null"];
const ALIASES = {
  model: "models",
  provider: "providers",
  user: "users",
  service: "services",
  environment: "environments",
  tag: "tags",
};
const SUGGESTIONS_MAX = 12;

/** Return the tokens of a filter up to the caret, and the one that is being written. */
function split(text, caret) {
  const done = [];
  let writing = { text: "", at: caret };
  TOKEN.lastIndex = 0;
  for (let m = TOKEN.exec(text); m && m.index < caret; m = TOKEN.exec(text)) {
    const end = m.index + m[0].length;
    if (/^\s/.test(m[0])) continue;
    const isOpen = end >= caret && !/^([=<>(),]|[<>!]=)$/.test(m[0]);
    const isClosed = /^(["']).*\1$/s.test(m[0]) && m[0].length > 1;
    if (isOpen && !isClosed) writing = { text: text.slice(m.index, caret), at: m.index };
    else done.push(m[0]);
  }
  return { done, writing };
}

/** Return `{expects: "field" | "operator" | "value" | "join", field, operator}` after some tokens. */
function expected(tokens, fieldOf) {
  let state = { expects: "field" };
  let listed = false;
  for (const token of tokens) {
    const word = token.toLowerCase();
    if (state.expects === "field") {
      if (word === "not" || word === "(") continue;
      state = { expects: "operator", field: fieldOf(token) };
    } else if (state.expects === "operator") {
      state = NO_VALUE.includes(word) ? { expects: "join" } : { ...state, expects: "value", operator: word };
      listed = false;
    } else if (state.expects === "value") {
      if (token === "(") listed = true;
      else if (token === ")") state = { expects: "join" };
      else if (token !== "," && !listed) state = { expects: "join" };
    } else if (word === "and" || word === "or") state = { expects: "field" };
  }
  return state;
}

/**
 * Return `{items: [{text, hint}], from, to}`: what may replace the text from `from` to `to`.
 * `fields` are the API's; `values(field)` returns values that are known of one.
 */
export function completions(text, caret, fields, values) {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const fieldOf = (token) => {
    const name = token.toLowerCase();
    return (
      byName.get(ALIASES[name] ?? name) ??
      [...byName.values()].find((f) => f.name.endsWith(".") && name.startsWith(f.name))
    );
  };
  const { done, writing } = split(text, caret);
  const state = expected(done, fieldOf);
  const begun = writing.text.toLowerCase().replace(/^["']/, "");
  const pick = (all) =>
    all
      .filter((one) => one.text.toLowerCase().replace(/^"/, "").includes(begun))
      .sort(
        (a, b) =>
          b.text.toLowerCase().replace(/^"/, "").startsWith(begun) -
          a.text.toLowerCase().replace(/^"/, "").startsWith(begun),
      )
      .slice(0, SUGGESTIONS_MAX);
  const at = { from: writing.at, to: caret };
  switch (state.expects) {
    case "field":
      return { ...at, items: pick([...fieldItems(fields, values), { text: "not ", hint: "the opposite" }]) };
    case "operator":
      return {
        ...at,
        items: pick((state.field?.operators ?? ["="]).map((operator) => ({ text: `${operator} `, hint: "" }))),
      };
    case "value":
      return { ...at, items: pick(valueItems(state, values)) };
    default:
      return {
        ...at,
        items: pick([
          { text: "and ", hint: "both" },
          { text: "or ", hint: "one of them" },
        ]),
      };
  }
}

function fieldItems(fields, values) {
  return fields.flatMap((field) =>
    field.name.endsWith(".")
      ? values(field.name).map((key) => ({
          text: `${field.name}${/^[\w.-]+$/.test(key) ? key : JSON.stringify(key)} `,
          hint: field.type,
        }))
      : [{ text: `${field.name} `, hint: field.type }],
  );
}

function valueItems({ field, operator }, values) {
  const quote = (one) => `"${one.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}" `;
  if (!field) return [];
  const wrap = (all) =>
    operator === "in" || operator === "not_in"
      ? all.map((one) => ({ ...one, text: `(${one.text.trim()}) ` }))
      : all;
  switch (field.type) {
    case "boolean":
      return ["true ", "false "].map((text) => ({ text, hint: "" }));
    case "duration":
      return ["500ms ", "10s ", "90s ", "15m ", "2h "].map((text) => ({ text, hint: "duration" }));
    case "time":
      return [0, 1, 7, 30].map((days) => ({
        text: `${new Date(Date.now() - days * 86400e3).toISOString().slice(0, 10)} `,
        hint: days ? `${days} days ago` : "today",
      }));
    case "builtin":
      return ["1 ", "0 "].map((text) => ({ text, hint: "" }));
    case "number":
    case "score":
      return [];
    default:
      return wrap(values(field.name).map((one) => ({ text: quote(one), hint: "" })));
  }
}
