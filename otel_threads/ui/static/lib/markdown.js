// From a message's text to markup. Everything in a message is hostile: HTML in it is shown, not
// used; what Markdown makes goes through the sanitizer; images are never fetched.
import { html, useLayoutEffect, useRef, useState } from "./html.js";
import { bytes } from "./format.js";

export const MARKDOWN_LENGTH_MAX = 60_000; // longer texts are no prose, and parsing takes long
const PREVIEW_LENGTH = 6_000;
const CODE_LENGTH_MAX = 30_000;
const COPIED_MS = 1500;
const LINKS = /^(https?:\/\/|mailto:)/i;
let tools = null;

/** Load the libraries; the page waits for no one until the first message is there. */
export function markdownTools() {
  tools ??= Promise.all([import("../vendor/markdown-it.js"), import("../vendor/purify.js")]).then(
    ([markdown, purify]) => ({ parser: parserOf(markdown.default), clean: cleanerOf(purify.default) }),
  );
  return tools;
}

function parserOf(MarkdownIt) {
  const parser = new MarkdownIt({ html: false, linkify: true, breaks: true, maxNesting: 40 });
  parser.validateLink = (url) => LINKS.test(url.trim());
  parser.renderer.rules.image = (tokens, i, options, env, self) => {
    const escape = parser.utils.escapeHtml;
    const alt = self.renderInlineAsText(tokens[i].children ?? [], options, env);
    const source = tokens[i].attrGet("src") ?? "";
    const name = `image${alt ? `: ${alt}` : ""}`;
    return LINKS.test(source)
      ? `<a class="media" href="${escape(source)}" title="${escape(source)}">${escape(name)}</a>`
      : `<span class="media">${escape(name)}</span>`;
  };
  alignedByClass(parser);
  return parser;
}

// Alignment as a class: an inline style would be refused by our own policy, loudly.
function alignedByClass(parser) {
  for (const rule of ["th_open", "td_open"])
    parser.renderer.rules[rule] = (tokens, i, options, env, self) => {
      const [, side] = /text-align:(left|center|right)/.exec(tokens[i].attrGet("style") ?? "") ?? [];
      tokens[i].attrs = side ? [["class", `align-${side}`]] : null;
      return self.renderToken(tokens, i, options);
    };
}

function cleanerOf(purify) {
  purify.addHook("afterSanitizeAttributes", (node) => {
    if (node.tagName !== "A") return;
    if (!LINKS.test(node.getAttribute("href") ?? "")) node.removeAttribute("href");
    node.setAttribute("rel", "noopener noreferrer nofollow");
    node.setAttribute("target", "_blank");
  });
  return (markup) =>
    purify.sanitize(markup, {
      RETURN_DOM_FRAGMENT: true,
      ALLOWED_TAGS: [
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "span",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
      ],
      ALLOWED_ATTR: ["class", "href", "start", "title"],
      ALLOW_DATA_ATTR: false,
      ALLOW_ARIA_ATTR: false,
    });
}

// Headings of a message must not stand above those of the page, nor its classes reach our styles.
function settle(fragment) {
  for (const heading of fragment.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const level = Math.min(6, Number(heading.tagName[1]) + 3);
    const made = document.createElement(`h${level}`);
    made.append(...heading.childNodes);
    heading.replaceWith(made);
  }
  for (const one of fragment.querySelectorAll("[class]")) {
    const name = one.className;
    if (!/^(media|align-(left|center|right)|language-[\w+#.-]{1,30})$/.test(name)) one.removeAttribute("class");
  }
  // Each block has the direction of its own first letter; what is in it follows the block.
  for (const block of fragment.children) block.dir = "auto";
  for (const item of fragment.querySelectorAll("li")) asTask(item);
  for (const table of fragment.querySelectorAll("table")) table.tabIndex = 0; // scrolled by keys
  for (const code of fragment.querySelectorAll("pre")) withCopy(code);
}

// An item that begins with [ ] or [x] is a task.
function asTask(item) {
  const first = item.firstElementChild?.tagName === "P" ? item.firstElementChild : item;
  const text = first.firstChild;
  const [whole, mark] = /^\s*\[([ xX])\] /.exec(text?.nodeType === Node.TEXT_NODE ? text.data : "") ?? [];
  if (!whole) return;
  text.data = text.data.slice(whole.length);
  const box = document.createElement("span");
  box.className = "task";
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", mark === " " ? "open" : "done");
  box.textContent = mark === " " ? "☐ " : "☑ ";
  first.prepend(box);
  item.classList.add("is-task");
}

function withCopy(code) {
  code.tabIndex = 0; // scrolled by keys
  code.dir = "ltr";
  const box = document.createElement("div");
  box.className = "codebox";
  const button = document.createElement("button");
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), COPIED_MS);
  });
  code.replaceWith(box);
  box.append(code, button);
}

async function colour(place, clean) {
  const blocks = [...place.querySelectorAll('pre > code[class^="language-"]')];
  if (!blocks.length) return;
  const { default: highlighter } = await import("../vendor/highlight.js");
  for (const block of blocks) {
    const language = block.className.slice("language-".length);
    const code = block.textContent;
    if (!highlighter.getLanguage(language) || code.length > CODE_LENGTH_MAX) continue;
    block.replaceChildren(clean(highlighter.highlight(code, { language, ignoreIllegals: true }).value));
  }
}

/** Draw a text as Markdown; plain until the libraries are there, and when it is very long. */
export function Markdown({ text }) {
  const place = useRef();
  const isLong = text.length > MARKDOWN_LENGTH_MAX;
  useLayoutEffect(() => {
    if (isLong) return undefined;
    let gone = false;
    place.current.textContent = text;
    markdownTools().then(async ({ parser, clean }) => {
      if (gone) return;
      const fragment = clean(parser.render(text));
      settle(fragment);
      place.current.replaceChildren(fragment);
      place.current.classList.add("ready");
      await colour(place.current, clean);
    });
    return () => {
      gone = true;
    };
  }, [text]);
  if (isLong) return html`<${Plain} text=${text} />`;
  return html`<div class="markdown" dir="auto" ref=${place}></div>`;
}

/** Draw a text as it is; of a very long one only the beginning, until the rest is asked for. */
export function Plain({ text, mono = false, bounded = false }) {
  const [whole, setWhole] = useState(false);
  const isLong = text.length > MARKDOWN_LENGTH_MAX;
  return html`<div>
    <div class="plaintext ${mono ? "mono" : ""} ${whole ? "whole" : bounded ? "bounded" : ""}" dir="auto"
      tabindex=${whole || bounded ? 0 : undefined}>${isLong && !whole ? text.slice(0, PREVIEW_LENGTH) : text}</div>
    ${
      isLong &&
      html`<button class="more" onClick=${() => setWhole(!whole)}>
      ${whole ? "Show less" : `Show all (${bytes(new Blob([text]).size)})`}</button>`
    }
  </div>`;
}
