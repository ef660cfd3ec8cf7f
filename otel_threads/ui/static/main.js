// The frame around all pages: which page, which project, keys that hold everywhere.
import { ConversationPage } from "./conversation/conversation_page.js";
import { ComparisonPage } from "./evaluation/comparison_page.js";
import { RunPage } from "./evaluation/run_page.js";
import { RunsPage } from "./evaluation/runs_page.js";
import { WholePage } from "./conversation/whole_page.js";
import { get, hasToken, setToken, whenRefused } from "./lib/api.js";
import { useAnswer } from "./lib/ask.js";
import { count, oneLine } from "./lib/format.js";
import { Boundary, html, render, useEffect, useId, useState } from "./lib/html.js";
import { keep, kept } from "./lib/keep.js";
import { useKeys } from "./lib/keys.js";
import { Failed, Menu, Toasts } from "./lib/parts.js";
import { go, linkTo, useRoute } from "./lib/route.js";
import { author, setAuthor } from "./annotations/author.js";
import { QueuesPage } from "./review/queues_page.js";
import { ReviewPage } from "./review/review_page.js";
import { Help } from "./start/help.js";
import { Login } from "./start/login.js";
import { RulePage } from "./rules/rule_page.js";
import { RulesPage } from "./rules/rules_page.js";
import { LoosePage } from "./start/loose.js";
import { listOf } from "./threads/selection.js";
import { IssuesPage } from "./issues/issues_page.js";
import { SpansPage } from "./spans/spans_page.js";
import { SqlPage } from "./sql/sql_page.js";
import { ThreadsPage } from "./threads/threads_page.js";
import { TracePage } from "./trace/trace_page.js";
import { TracesPage } from "./trace/traces_page.js";
import { ProjectSettings } from "./start/project_settings.js";

const THEMES = ["auto", "light", "dark"];

// Where to, in which words, and which pages lie below it.
const NAV = [
  ["threads", "Threads", "thread", "trace", "whole"],
  ["traces", "Traces"],
  ["spans", "Spans"],
  ["issues", "Issues"],
  ["sql", "SQL"],
  ["evaluations", "Evaluations", "evaluation", "comparison"],
  ["rules", "Rules", "rule"],
  ["reviews", "Review", "review"],
  ["loose", "Without a thread"],
];
const WITH_PROJECT = NAV.map(([to]) => to).filter((to) => to !== "threads"); // keep their page when it changes

function useTheme() {
  const [theme, setTheme] = useState(() => kept("theme", "auto"));
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    keep("theme", theme === "auto" ? null : theme);
  }, [theme]);
  return [theme, setTheme];
}

function App() {
  const { page, params } = useRoute();
  const [login, setLogin] = useState(null);
  const [help, setHelp] = useState(false);
  const [theme, setTheme] = useTheme();
  useEffect(() => whenRefused((_, refused) => setLogin({ refused })), []);
  const { data: status, error: away } = useAnswer((signal) => get("/status", {}, signal), ["status"]);
  const projects = useAnswer((signal) => get("/projects", {}, signal), ["projects", page, params.project]);
  const goTo = (to) => () => go(to, to === "threads" ? listOf(params) : { project: projectFor(to) });
  // A list of threads that was left is not what the link to all of them means.
  const projectFor = (to) => params.project ?? (to === "threads" && page === "threads" ? "" : listOf(params).project);
  useKeys({
    "?": () => setHelp(true),
    "g t": goTo("threads"),
    "g a": goTo("traces"),
    "g s": goTo("spans"),
    "g i": goTo("issues"),
    "g q": goTo("sql"),
    "g l": goTo("loose"),
  });
  useEffect(() => {
    const what = {
      ...Object.fromEntries(NAV),
      thread: oneLine(params.thread_id, 80),
      trace: `Trace ${params.trace_id?.slice(0, 8)}`,
      whole: `All of ${oneLine(params.thread_id, 80)}`,
      loose: "Traces without a thread",
      evaluation: "Evaluation",
      comparison: "Comparison",
      rule: "Rule",
      review: "Review",
    }[page];
    document.title = `${what ? `${what} · ` : ""}otel-threads`;
  }, [page, params.thread_id, params.trace_id]);
  if (login) return html`<${Login} refused=${login.refused} />`;
  const items = projects.data?.items ?? [];
  return html`<div class="frame">
    <a class="skip" href="#main" onClick=${(e) => {
      e.preventDefault();
      const main = document.getElementById("main");
      main.tabIndex = -1;
      main.focus();
    }}>Skip to the content</a>
    <header class="top">
      <a class="brand" href=${linkTo("threads")}><img src="ui/icon.svg" alt="" width="20" height="20" /> otel-threads</a>
      <nav aria-label="Pages">
        ${NAV.map(([to, words, ...below]) => html`<a key=${to} href=${linkTo(to, { project: projectFor(to) })}
            aria-current=${[to, ...below].includes(page) ? "page" : undefined}>${words}</a>`)}
      </nav>
      <${ProjectSwitch} projects=${items} params=${params} page=${page} />
      <span class="end">
        ${away && away.status !== 401 && html`<span class="bad" role="alert">The server is out of reach</span>`}
        ${!hasToken() && html`<a href="docs" class="plainlink">API</a>`}
        <${Settings} theme=${theme} setTheme=${setTheme} status=${status}
            project=${items.find((one) => one.project === params.project)} reloadProjects=${projects.again} />
        <button onClick=${() => setHelp(true)} aria-label="Keys" title="Keys  ?">?</button>
      </span>
    </header>
    <${Boundary} about=${location.hash} otherwise=${(error, again) => html`<main id="main" class="page">
        <${Failed} error=${{ message: `This page could not be drawn: ${error.message}` }} again=${again} /></main>`}>
      <${Page} page=${page} params=${params} status=${status} projects=${items} reloadProjects=${projects.again} />
    </${Boundary}>
    <${Toasts} />
    ${help && html`<${Help} onClose=${() => setHelp(false)} />`}
  </div>`;
}

function Page({ page, params, status, projects, reloadProjects }) {
  switch (page) {
    case "thread":
      return html`<${ConversationPage} key=${`${params.project}/${params.thread_id}`} params=${params} projects=${projects}
          reloadProjects=${reloadProjects} />`;
    case "trace":
      return html`<${TracePage} params=${params} />`;
    case "rules":
      return html`<${RulesPage} key=${params.project} params=${params} defaultProject=${projects[0]?.project ?? "default"} />`;
    case "rule":
      return html`<${RulePage} key=${params.rule} params=${params} />`;
    case "whole":
      return html`<${WholePage} params=${params} />`;
    case "spans":
      return html`<${SpansPage} key=${params.project} params=${params} />`;
    case "issues":
      return html`<${IssuesPage} key=${params.project} params=${params} />`;
    case "sql":
      return html`<${SqlPage} params=${params} />`;
    case "traces":
      return html`<${TracesPage} key=${params.project} params=${params} />`;
    case "loose":
      return html`<${LoosePage} key=${params.project} params=${params} />`;
    case "evaluations":
      return html`<${RunsPage} key=${params.project} params=${params} />`;
    case "evaluation":
      return html`<${RunPage} key=${params.id} params=${params} />`;
    case "comparison":
      return html`<${ComparisonPage} params=${params} />`;
    case "reviews":
      return html`<${QueuesPage} key=${params.project} params=${params} defaultProject=${projects[0]?.project ?? "default"} />`;
    case "review":
      return html`<${ReviewPage} key=${params.queue} params=${params} />`;
    case "threads":
      return html`<${ThreadsPage} params=${params} status=${status} projects=${projects}
          defaultProject=${projects[0]?.project ?? "default"} />`;
    default:
      return html`<main id="main" class="page"><div class="empty"><h1>There is no such page</h1><p><a
          href=${linkTo("threads")}>To the threads</a></p></div></main>`;
  }
}

const PROJECTS_IN_SELECT = 20; // more of them are found by typing

function ProjectSwitch({ projects, params, page }) {
  const id = useId();
  const shown = params.project ?? "";
  const names = projects.map((one) => one.project);
  if (shown && shown !== "*" && !names.includes(shown)) names.push(shown);
  const choose = (project) => {
    const chosen = page === "threads" ? { ...params, columns: "" } : page === "sql" ? { sql: params.sql } : {};
    go(WITH_PROJECT.includes(page) ? page : "threads", { ...chosen, project });
  };
  if (names.length > PROJECTS_IN_SELECT)
    return html`<${Menu} label=${shown && shown !== "*" ? oneLine(shown, 40) : "All projects"} title="Project">${(close) => html`<${ProjectSearch}
        projects=${projects} choose=${(project) => {
          close();
          choose(project);
        }} />`}</${Menu}>`;
  return html`<span class="projects"><label for=${id} class="unseen">Project</label>
    <select id=${id} value=${shown === "*" ? "" : shown} onChange=${(e) => choose(e.target.value)}>
      <option value="">All projects</option>
      ${names.map((name) => html`<option key=${name} value=${name}>${oneLine(name, 60)}${projects.find((p) => p.project === name)
        ? ` (${count(projects.find((p) => p.project === name).thread_count, "thread")})` : ""}</option>`)}
    </select></span>`;
}

function ProjectSearch({ projects, choose }) {
  const [text, setText] = useState("");
  const id = useId();
  const wanted = text.trim().toLowerCase();
  const found = projects.filter((one) => one.project.toLowerCase().includes(wanted));
  return html`<form class="choices projectsearch" onSubmit=${(e) => {
    e.preventDefault();
    if (found.length) choose(found[0].project);
  }}><label for=${id} class="unseen">Search projects</label>
    <input id=${id} type="search" placeholder="Search projects" value=${text} autofocus onInput=${(e) => setText(e.target.value)} />
    ${!wanted && html`<button type="button" onClick=${() => choose("")}>All projects</button>`}
    ${found.slice(0, 100).map((one) => html`<button type="button" key=${one.project} onClick=${() => choose(one.project)}><bdi>${oneLine(one.project, 60)}</bdi>
      <span class="faint">${count(one.thread_count, "thread")}</span></button>`)}
    ${!found.length && html`<p class="faint">No project is called so.</p>`}</form>`;
}

function Settings({ theme, setTheme, status, project, reloadProjects }) {
  const [name, setName] = useState(author());
  const [ofProject, setOfProject] = useState(false);
  const ids = [useId(), useId()];
  return html`<${Menu} icon="gear" title="Settings" align="right">${(close) => html`<div class="form settings">
    <label for=${ids[0]}>Theme</label>
    <select id=${ids[0]} value=${theme} onChange=${(e) => setTheme(e.target.value)}>${THEMES.map((one) => html`<option key=${one}
        value=${one}>${one === "auto" ? "As the system" : one}</option>`)}</select>
    <label for=${ids[1]}>Your name, on scores and comments</label>
    <input id=${ids[1]} value=${name} maxlength="200" onInput=${(e) => {
      setName(e.target.value);
      setAuthor(e.target.value);
    }} />
    ${
      hasToken() &&
      html`<button onClick=${() => {
        setToken(null);
        location.reload();
      }}>Forget the token</button>`
    }
    ${project && html`<button onClick=${() => {
      close();
      setOfProject(true);
    }}>Settings of project ${oneLine(project.project, 40)}…</button>`}
    <p class="faint">otel-threads ${status?.version}</p>
  </div>`}</${Menu}>
  ${ofProject && project && html`<${ProjectSettings} project=${project} onDone=${reloadProjects}
      onClose=${() => setOfProject(false)} />`}`;
}

document.documentElement.dataset.theme = kept("theme", "auto");
document.querySelector(".boot")?.remove();
render(html`<${App} />`, document.getElementById("app"));
