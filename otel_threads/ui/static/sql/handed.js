// A query that a person has told to run elsewhere on the page. An address alone runs nothing.
import { go } from "../lib/route.js";

let handed = null;

/** Show a query on the page of SQL and run it there, once. */
export function handOver(sql, project) {
  handed = sql;
  go("sql", { sql, project: project === "*" ? "" : project });
}

/** Return whether a query was handed over; it is no more after that. */
export function take(sql) {
  const isHanded = handed !== null && handed === sql;
  handed = null;
  return isHanded;
}
