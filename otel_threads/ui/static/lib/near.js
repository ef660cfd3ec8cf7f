// Did you mean: the name that is most like a wrong one.
const LENGTH_MAX = 60; // of what is compared

/** Return how many letters have to be changed, added or left out to get from one word to the other. */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}

/** Return the nearest of the names; null where more than a third of the letters are others. */
export function nearest(wrong, names) {
  const low = (name) => name.toLowerCase().slice(0, LENGTH_MAX);
  const found = names
    .map((name) => ({ name, away: distance(low(wrong), low(name)) }))
    .sort((a, b) => a.away - b.away)[0];
  return found && found.away * 3 <= Math.max(wrong.length, 3) ? found.name : null;
}
