// Small parts that every page uses: toasts, dialogs, menus, states of waiting and failing.
import { Fragment, html, useEffect, useId, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";

const toasts = { list: [], tell: () => {} };
let toastId = 0;

/** Tell something in passing. An error stays until it is dismissed. */
export function toast(text, { error = false } = {}) {
  const id = (toastId += 1);
  toasts.list = [...toasts.list.slice(-3), { id, text, error }];
  toasts.tell();
  if (!error) setTimeout(() => dismiss(id), 4000);
}

function dismiss(id) {
  toasts.list = toasts.list.filter((one) => one.id !== id);
  toasts.tell();
}

/** Do something and tell when it fails; returns whether it succeeded. */
export async function attempt(act, done) {
  try {
    await act();
    if (done) toast(done);
    return true;
  } catch (error) {
    toast(error.message, { error: true });
    return false;
  }
}

/** The toasts, read out by screen readers. */
export function Toasts() {
  const [, draw] = useState(0);
  useEffect(() => {
    toasts.tell = () => draw((n) => n + 1);
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.list.map(
      (one) => html`<div key=${one.id} class="toast ${one.error ? "bad" : ""}">
      <span>${one.text}</span>
      <button class="plain" aria-label="Dismiss" onClick=${() => dismiss(one.id)}><${Icon} name="close" size=${12} /></button>
    </div>`,
    )}
  </div>`;
}

const FIRST = "[autofocus], input:not([readonly]), select, textarea"; // where a dialog begins

/** A dialog over the page; the browser keeps the focus in it. */
export function Dialog({ title, onClose, children, wide = false }) {
  const box = useRef();
  const id = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    box.current.querySelector(FIRST)?.focus(); // else the browser takes the button that closes it
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby=${id} onClose=${onClose}
      onMouseDown=${(e) => e.target === box.current && onClose()}>
    <div class="dialog">
      <header><h2 id=${id}>${title}</h2>
        <button class="plain" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
      ${children}
    </div>
  </dialog>`;
}

/** Ask before something that cannot be undone. */
export function Confirm({ title, text, action, onYes, onClose }) {
  const [busy, setBusy] = useState(false);
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <p>${text}</p>
    <footer>
      <button onClick=${onClose} autofocus>Cancel</button>
      <button class="danger" disabled=${busy} onClick=${async () => {
        setBusy(true);
        await onYes();
        onClose();
      }}>${action}</button>
    </footer>
  </${Dialog}>`;
}

/** A button that opens a panel below it; Escape and a click elsewhere close it. */
export function Menu({ label, title, icon, children, align = "left", className = "" }) {
  const [open, setOpen] = useState(false);
  const box = useRef();
  const button = useRef();
  useEffect(() => {
    if (!open) return undefined;
    const outside = (e) => {
      if (!box.current?.contains(e.target)) setOpen(false);
    };
    const escape = (e) => {
      if (e.key !== "Escape") return;
      e.stopPropagation();
      setOpen(false);
      button.current?.focus();
    };
    addEventListener("mousedown", outside);
    addEventListener("keydown", escape, true);
    return () => {
      removeEventListener("mousedown", outside);
      removeEventListener("keydown", escape, true);
    };
  }, [open]);
  return html`<div class="menu ${className}" ref=${box}>
    <button ref=${button} aria-expanded=${open} title=${title} aria-label=${label ? undefined : title}
      onClick=${() => setOpen(!open)}>
      ${icon && html`<${Icon} name=${icon} />`} ${label}
    </button>
    ${
      open &&
      html`<div class="popup ${align}">
      ${typeof children === "function" ? children(() => setOpen(false)) : children}</div>`
    }
  </div>`;
}

/** What stands where something is awaited. */
export const Loading = ({ what }) => html`<p class="waiting" role="status">
  <span class="spinner" aria-hidden="true"></span>Loading ${what}…</p>`;

/** What stands where something could not be had. */
export const Failed = ({ error, again }) => html`<div class="failure" role="alert">
  <${Icon} name="error" size=${20} />
  <p>${error.message}</p>
  ${again && html`<button onClick=${again}>Try again</button>`}
</div>`;

/** What stands where there is nothing, and why. */
export const Empty = ({ title, children }) => html`<div class="empty"><h2>${title}</h2>${children}</div>`;

/** A button that copies a text. */
export function Copy({ text, label = "Copy", what = "" }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    const ok = await attempt(async () =>
      navigator.clipboard.writeText(typeof text === "function" ? await text() : text),
    );
    if (!ok) return;
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return html`<button class="copy" onClick=${copy} title=${what || "Copy"} aria-label=${label ? undefined : what || "Copy"}>
    <${Icon} name=${done ? "evaluator" : "copy"} size=${13} /> ${label && (done ? "Copied" : label)}</button>`;
}

/** Text with what was searched for marked. */
export function Marked({ text, find }) {
  if (!find || !text) return text ?? "";
  const low = text.toLowerCase();
  const wanted = find.toLowerCase();
  const out = [];
  let at = 0;
  for (let hit = low.indexOf(wanted); hit >= 0 && out.length < 200; hit = low.indexOf(wanted, at)) {
    out.push(text.slice(at, hit), html`<mark>${text.slice(hit, hit + wanted.length)}</mark>`);
    at = hit + wanted.length;
  }
  return html`<${Fragment}>${out}${text.slice(at)}</${Fragment}>`;
}
