// What single keys mean while a thread is reviewed. Pure: no markup, no server.

/** Return how a score is given: by its definition, else as a number from 1 to 5. */
export const howOf = (name, definitions) =>
  definitions.find((one) => one.name === name) ?? { name, kind: "numeric", min: 1, max: 5, categories: null };

/** Return the choices of a score: `[{key, label, value, category}]`; none where there are too many. */
export function choicesOf(how) {
  if (how.kind === "boolean")
    return [
      { key: "y", label: "yes", value: 1, category: null },
      { key: "n", label: "no", value: 0, category: null },
    ];
  if (how.kind === "categorical")
    return how.categories.slice(0, 9).map((one, i) => ({
      key: String(i + 1),
      label: one.label,
      value: one.value ?? null,
      category: one.label,
    }));
  const low = how.min ?? 1;
  const high = how.max ?? 5;
  if (low === 0 && high === 1)
    return [0, 0.25, 0.5, 0.75, 1].map((value, i) => ({
      key: String(i + 1),
      label: String(value),
      value,
      category: null,
    }));
  if (!Number.isInteger(low) || !Number.isInteger(high) || low < 0 || high > 9) return [];
  return Array.from({ length: high - low + 1 }, (_, i) => ({
    key: String(low + i),
    label: String(low + i),
    value: low + i,
    category: null,
  }));
}

/**
 * Return what a key does: `{give: {name, value, category}}`, `{next: true}`, or null.
 * `n` is no while the score that is asked is a yes or no, else the next thread.
 */
export function actOf(key, asked) {
  const choice = asked && choicesOf(asked).find((one) => one.key === key);
  if (choice) return { give: { name: asked.name, value: choice.value, category: choice.category } };
  return key === "n" || key === "Enter" ? { next: true } : null;
}

/** Return the name of the first score without an answer, null where all are given. */
export const askedOf = (names, given) => names.find((name) => !given[name]) ?? null;
