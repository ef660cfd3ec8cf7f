// Asks for a token when the server wants one.
import { setToken } from "../lib/api.js";
import { html, useId, useState } from "../lib/html.js";

/** The form. `refused` tells that a token was given and is not the right one. */
export function Login({ refused }) {
  const [token, setText] = useState("");
  const [stays, setStays] = useState(false);
  const id = useId();
  const send = (event) => {
    event.preventDefault();
    if (!token.trim()) return;
    setToken(token.trim(), stays);
    location.reload();
  };
  return html`<main id="main" class="login"><form class="form" onSubmit=${send}>
    <h1>otel-threads</h1>
    <p>This server asks for a token: the <code>read_token</code> to look, the <code>write_token</code> to score, tag and delete too.</p>
    <label for=${id}>Token</label>
    <input id=${id} type="password" autocomplete="current-password" autofocus required value=${token}
        onInput=${(e) => setText(e.target.value)} />
    <label class="check"><input type="checkbox" checked=${stays}
        onChange=${() => setStays(!stays)} /> Keep it on this device</label>
    ${refused && html`<p class="bad" role="alert">That token is not accepted.</p>`}
    <footer><button class="primary">Go on</button></footer>
  </form></main>`;
}
