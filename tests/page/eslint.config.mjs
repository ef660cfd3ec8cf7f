// What the page's modules are held to. No plugin and no preset: the list is short enough to read.
const BROWSER = `AbortController Blob Element EventSource Event HashChangeEvent IntersectionObserver
  Intl KeyboardEvent MutationObserver Node ResizeObserver TextDecoderStream Uint8Array URL URLSearchParams addEventListener atob
  cancelAnimationFrame clearInterval clearTimeout confirm console dispatchEvent document fetch
  createTreeWalker CSS getComputedStyle globalThis Highlight NodeFilter getSelection history innerHeight innerWidth localStorage location matchMedia navigator performance
  queueMicrotask removeEventListener requestAnimationFrame sessionStorage setInterval setTimeout
  structuredClone window`;

export default [
  { ignores: ["**/vendor/**"] },
  {
    files: ["otel_threads/ui/static/**/*.js"],
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: "module",
      globals: Object.fromEntries(BROWSER.split(/\s+/).map((name) => [name, "readonly"])),
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-cond-assign": "error",
      "no-dupe-keys": "error",
      "no-empty": "error",
      "no-eval": "error",
      "no-fallthrough": "error",
      "no-implied-eval": "error",
      "no-loss-of-precision": "error",
      "no-new-func": "error",
      "no-redeclare": "error",
      "no-script-url": "error",
      "no-self-assign": "error",
      "no-shadow": "error",
      "no-undef": "error",
      "no-unreachable": "error",
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "no-var": "error",
      "prefer-const": "error",
      "valid-typeof": "error",
    },
  },
];
