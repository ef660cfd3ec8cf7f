// The page of threads: figures, filter, list.
import { get } from "../lib/api.js";
import { useAnswer } from "../lib/ask.js";
import { count, oneLine } from "../lib/format.js";
import { html, useCallback, useEffect, useMemo, useState } from "../lib/html.js";
import { useKeys } from "../lib/keys.js";
import { nearest } from "../lib/near.js";
import { Empty, Failed, Loading } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";
import { FirstUse } from "../start/first.js";
import { BulkBar, ExportMenu } from "./bulk.js";
import { ColumnChooser } from "./chooser.js";
import { columnsOf, columnsText } from "./columns.js";
import { FilterBar } from "./filterbar.js";
import { last, useLive, useThreads } from "./loaded.js";
import { DEFAULT_SORT, SELECTING, keyOf, questionOf, textOf } from "./selection.js";
import { Stats } from "./stats.js";
import { Table, openThread } from "./table.js";
import { Views } from "./views.js";
import { AskBar } from "./words.js";

/** Return the values that are known of a field: from what is loaded, and from the server's names. */
function valuesOf(items, scoreNames, projects) {
  const many = (read) => [...new Set(items.slice(0, 1000).flatMap(read))].filter(Boolean).sort();
  const known = {
    __proto__: null,
    status: () => ["active", "inactive"],
    project: () => projects.map((p) => p.project),
    cost_source: () => ["reported", "estimated", "mixed"],
    "scores.": () => scoreNames,
    "turn_scores.": () => scoreNames,
    "metadata.": () => many((t) => Object.keys(t.metadata)),
  };
  return (field) =>
    (
      known[field] ??
      (() => many((t) => [t[field]].flat().filter((v) => typeof v === "string" && v.length < 100)))
    )();
}

/** The page. */
export function ThreadsPage({ params, status, projects, defaultProject }) {
  const [now, setNow] = useState(() => Date.now());
  const [version, setVersion] = useState(0);
  const [picked, setPicked] = useState(() => new Set());
  const [asking, setAsking] = useState(false);
  const everyProject = (params.project || "*") === "*";
  const selecting = JSON.stringify(SELECTING.map((name) => params[name] ?? ""));
  const question = useMemo(() => questionOf(params, now), [selecting, now]);
  const sort = params.sort || DEFAULT_SORT;
  const threads = useThreads(question, sort);
  last.list = textOf({ ...params, columns: "" });
  const live = useLive(question, sort, threads);
  const fields = useAnswer((signal) => get("/fields", {}, signal), ["fields"]);
  const names = useAnswer(
    (signal) => get("/scores/names", { project: question.project }, signal),
    [question.project, version],
  );
  const scoreNames = (names.data?.items ?? []).map((one) => one.name);
  const values = useCallback(valuesOf(threads.items, scoreNames, projects), [
    threads.items,
    names.data,
    projects,
  ]);
  const columns = useMemo(() => columnsOf(params.columns, everyProject), [params.columns, everyProject]);
  const [current, setCurrentIndex] = useState(
    last.about === JSON.stringify([question, sort]) ? last.current : -1,
  );
  const setCurrent = useCallback((index) => {
    last.current = index;
    setCurrentIndex(index);
  }, []);
  useEffect(() => setPicked(new Set()), [selecting]);
  const change = (given) => {
    last.scroll = 0;
    setCurrent(-1);
    go("threads", { ...params, ...given });
  };
  const setColumns = (all) =>
    go("threads", { ...params, columns: columnsText(all, everyProject) }, { replace: true });
  const refresh = () => {
    setNow(Date.now());
    setVersion((n) => n + 1);
    threads.again();
  };
  const step = (by) => () =>
    threads.items.length > 0 && setCurrent(Math.max(0, Math.min(threads.items.length - 1, current + by)));
  const chosen = threads.items.filter((t) => picked.has(keyOf(t)));
  useKeys({
    j: step(1),
    k: step(-1),
    ArrowDown: (e) => (e.target.closest(".tr") ? step(1)() : false),
    ArrowUp: (e) => (e.target.closest(".tr") ? step(-1)() : false),
    Enter: (e) =>
      current >= 0 && !e.target.closest("button, a, input")
        ? openThread(threads.items[current], params)
        : false,
    x: () => {
      if (!threads.items[current]) return;
      const next = new Set(picked);
      if (!next.delete(keyOf(threads.items[current]))) next.add(keyOf(threads.items[current]));
      setPicked(next);
    },
    r: refresh,
    q: () => setAsking(true),
    Escape: () => (picked.size ? setPicked(new Set()) : false),
  });
  const wrong = threads.error?.status === 400 ? threads.error : null;
  const extra = [
    ...scoreNames.map((n) => `scores.${n}`),
    ...scoreNames.map((n) => `turn_scores.${n}`),
    ...values("metadata.")
      .slice(0, 50)
      .map((k) => `metadata.${k}`),
  ];
  if (status && status.spans === 0 && !threads.items.length) return html`<${FirstUse} status=${status} />`;
  return html`<main class="threads-page" id="main">
    <h1 class="unseen">Threads</h1>
    <${Stats} question=${question} version=${version + live.returns} params=${params} change=${change}
      ready=${!threads.loading || threads.items.length > 0} />
    <${FilterBar} params=${params} change=${change} fields=${fields.data?.items ?? []} values=${values} problem=${wrong}>
      <button aria-pressed=${asking} onClick=${() => setAsking(!asking)} title="Ask in words  q">Ask</button>
      <${Views} params=${params} columns=${columns} sort=${sort} defaultProject=${defaultProject} version=${live.views} open=${(
        given,
      ) => {
        last.scroll = 0;
        go("threads", given);
      }} />
      <${ExportMenu} question=${question} />
      <${ColumnChooser} columns=${columns} setColumns=${setColumns} extra=${extra}
          onReset=${() => go("threads", { ...params, columns: "" })} />
      <button onClick=${refresh} title="Refresh  r" class="liveness ${live.state}">
      <i></i>${live.state === "live" ? "Live" : "Offline"}</button>
    </${FilterBar}>
    ${asking && html`<${AskBar} project=${question.project} onFilter=${(filter) => change({ filter })} onClose=${() => setAsking(false)} />`}
    ${
      chosen.length > 0 &&
      html`<${BulkBar} threads=${chosen} clear=${() => setPicked(new Set())} onDone=${refresh} onDeleted=${() => {
        threads.change((all) => all.filter((t) => !picked.has(keyOf(t))));
        setPicked(new Set());
      }} />`
    }
    <div class="list">
      ${
        live.news > 0 &&
        html`<button class="news" onClick=${() => {
          last.scroll = 0;
          refresh();
        }}>${count(live.news, "new thread")} — show</button>`
      }
      ${
        threads.error && !wrong
          ? html`<${Failed} error=${threads.error} again=${threads.again} />`
          : !threads.items.length && threads.loading
            ? html`<${Loading} what="threads" />`
            : !threads.items.length
              ? html`<${Nothing} params=${params} status=${status} projects=${projects} wrong=${wrong} />`
              : html`<${Table} threads=${threads} live=${live} columns=${columns} setColumns=${setColumns} sort=${sort}
                  setSort=${(s) => change({ sort: s === DEFAULT_SORT ? "" : s })}
            picked=${picked} setPicked=${setPicked} current=${current} setCurrent=${setCurrent} params=${params} />`
      }
    </div>
  </main>`;
}

const PROJECTS_MAX = 20; // that are named; the switch above has all

function NoProject({ name, projects }) {
  const names = projects.map((one) => one.project);
  const meant = nearest(name, names);
  const link = (project) => html`<a key=${project} href=${linkTo("threads", { project })}><bdi>${oneLine(project, 60)}</bdi></a>`;
  return html`<${Empty} title=${html`There is no project <bdi>${oneLine(name, 100)}</bdi>`}>
    ${meant !== null && html`<p>Did you mean ${link(meant)}?</p>`}
    <p class="ways">${names.slice(0, PROJECTS_MAX).map(link)}</p>
    <p><a href=${linkTo("threads")}>Threads of all projects</a></p></${Empty}>`;
}

function Nothing({ params, status, projects, wrong }) {
  if (wrong) {
    return html`<${Empty} title="This selection cannot be understood">
      <p>${wrong.message}</p><p><a href=${linkTo("threads", { project: params.project })}>Show all threads</a></p></${Empty}>`;
  }
  const isOfOne = params.project && params.project !== "*";
  const project = isOfOne && projects.find((one) => one.project === params.project);
  if (isOfOne && !project)
    return projects.length ? html`<${NoProject} name=${params.project} projects=${projects} />` : html`<${Loading} what="projects" />`;
  const selects = ["filter", "search", "status", "range", "from", "to"].some((name) => params[name]);
  if (selects) {
    return html`<${Empty} title="No thread matches">
      <p><a href=${linkTo("threads", { project: params.project })}>Show all threads</a></p></${Empty}>`;
  }
  return html`<${Empty} title="No thread yet">
    <p>${project ? `${count(project.trace_count, "trace")} of this project` : count(status?.spans ?? 0, "span")} arrived, and none names a conversation.</p>
    <p><a href=${linkTo("loose", { project: params.project })}>See the traces without a thread, and how to give them one</a></p></${Empty}>`;
}
