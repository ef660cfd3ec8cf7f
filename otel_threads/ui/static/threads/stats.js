// Sums over the same selection as the list, with a curve of threads over time.
import { get } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, duration, exact, number, share, short, usd } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { keep, kept } from "../lib/keep.js";
import { useKeys } from "../lib/keys.js";
import { Charts } from "./charts.js";
import { useNarrow } from "./table.js";

const HOURLY_MS = 4 * 86400e3; // selections shorter than this are drawn by the hour
const BARS_MAX = 120;

/** The figures of a selection. */
export function Stats({ question, version, ready, params, change }) {
  const narrow = useNarrow();
  const [open, setOpen] = useState(() => kept("charts", !narrow));
  const toggle = () => {
    setOpen(!open);
    keep("charts", !open);
  };
  useKeys({ c: toggle });
  const span = question.from ? new Date(question.to ?? Date.now()) - new Date(question.from) : Infinity;
  const asked = { ...question, interval: span <= HOURLY_MS ? "hour" : "day" };
  const {
    data: stats,
    error,
    loading,
  } = useAnswer(
    // The list comes first: both at once would make it wait for the sums.
    (signal) => (ready ? get("/threads/stats", asked, signal) : new Promise(() => {})),
    [asked, version, ready],
  );
  if (error)
    return html`<div class="stats"><p class="faint">${error.status === 400 ? "" : error.message}</p></div>`;
  const spread = stats?.turn_duration_ms;
  const first = stats?.time_to_first_token_ms;
  return html`<div class="sums"><dl class="stats ${loading ? "stale" : ""}" aria-label="Figures of the selection">
    <${Figure} label="Threads" value=${short(stats?.thread_count)}
        title=${["thread", "turn", "trace", "span"].map((one) => count(stats?.[`${one}_count`], one)).join(", ")}
      more=${stats && `${short(stats.active_count)} active`} />
    <${Figure} label="Turns" value=${short(stats?.turn_count)} title=${number(stats?.turn_count)}
        more=${stats && `${number(stats.turns_per_thread.avg === null ? null
          : Number(stats.turns_per_thread.avg.toFixed(1)))} a thread`} />
    <${Figure} label="With errors" value=${share(stats?.error_rate)} title=${count(stats?.error_count, "error")}
        tone=${stats?.error_rate > 0.05 ? "bad" : ""} more=${stats && count(stats.error_count, "error", "errors", short)} />
    <${Figure} label="Turn p50 · p90 · p99" value=${stats ? `${duration(spread.p50)}` : "–"}
        title=${stats && `p50 ${duration(spread.p50)}\np90 ${duration(spread.p90)}\np99 ${duration(spread.p99)}\nmean ${duration(spread.avg)}\nmax ${duration(spread.max)}`}
      more=${stats && `${duration(spread.p90)} · ${duration(spread.p99)}`} />
    <${Figure} label="First token p50" value=${duration(first?.p50)}
        title=${stats && `p90 ${duration(first.p90)}\np99 ${duration(first.p99)}`}
        more=${stats && `p90 ${duration(first.p90)}`} />
    <${Figure} label="Tokens" value=${short(stats?.usage.sum.total_tokens)}
        title=${stats && `${number(stats.usage.sum.input_tokens)} in, ${number(stats.usage.sum.output_tokens)} out`}
        more=${stats && `${short(stats.usage.avg.total_tokens)} a thread`} />
    <${Figure} label="Cost" value=${usd(stats?.cost_usd.sum)} title=${stats && `$${stats.cost_usd.sum}`}
        more=${stats && `${usd(stats.cost_usd.avg)} a thread`} />
    ${!open && html`<${Curve} series=${stats?.series ?? []} interval=${asked.interval} />`}
  </dl>
  <button class="plain charts-switch" aria-expanded=${open} onClick=${toggle} title="Charts  c">
    ${open ? "▾" : "▸"} Charts</button></div>
  ${open && !stats?.series && html`<div class="charts awaited"></div>`}
  ${open && stats?.series && html`<${Charts} series=${stats.series} interval=${asked.interval} params=${params}
      change=${change} />`}`;
}

const Figure = ({ label, value, more, title, tone = "" }) => html`<div class="figure" title=${title}>
  <dt>${label}</dt><dd class=${tone}>${value}${more && html` <small>${more}</small>`}</dd></div>`;

function Curve({ series, interval }) {
  const bars = series.slice(-BARS_MAX);
  const most = Math.max(1, ...bars.map((b) => b.thread_count));
  const words = bars.length
    ? `Threads by ${interval}, ${number(bars.reduce((n, b) => n + b.thread_count, 0))} in ${bars.length}`
    : "No threads over time";
  return html`<div class="figure curve"><dt>Threads by ${interval}</dt><dd>
    <svg viewBox="0 0 ${Math.max(24, bars.length) * 5} 28" preserveAspectRatio="none" role="img" aria-label=${words}>
      ${bars.map((b, i) => {
        const height = Math.max(1, (b.thread_count / most) * 28);
        const errors = b.thread_count
          ? Math.min(height, (Math.min(b.error_count ?? 0, b.thread_count) / most) * 28)
          : 0;
        return html`<g key=${b.time}><title>${`${exact(b.time)}\n${count(b.thread_count, "thread")}, ${count(b.error_count, "error")}`}</title>
          <rect x=${i * 5} y=${28 - height} width="4" height=${height} class="bar" />
          ${errors > 0 && html`<rect x=${i * 5} y=${28 - errors} width="4" height=${errors} class="bar bad" />`}</g>`;
      })}
    </svg></dd></div>`;
}
