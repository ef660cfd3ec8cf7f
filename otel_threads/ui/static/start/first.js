// First use: where to send spans, conversations to try, and proof when the first span arrives.
import { get, post } from "../lib/api.js";
import { count, exact, number, when } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { Copy, attempt } from "../lib/parts.js";
import { go, linkTo } from "../lib/route.js";

const POLL_MS = 1000;
const ANYWHERE = /^(0\.0\.0\.0|\[?::\]?)(?=:\d+$)/; // an address to listen on, not to send to

/** Return the URL that spans are sent to. */
export function endpointOf(status) {
  const address = (status?.otlp_http ?? `${location.hostname}:4318`).replace(ANYWHERE, location.hostname);
  return `${location.protocol}//${address}`;
}

const WAYS = {
  Environment: (url) => `export OTEL_EXPORTER_OTLP_ENDPOINT=${url}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
# where the server has an ingest_token:
# export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$INGEST_TOKEN"

# Spans become a conversation by its id, the attribute gen_ai.conversation.id. Many libraries
# write it of their own; else, in Python: with otel_threads.thread("chat-42"): agent.run(…)`,
  Python: (url) => `# pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http otel-threads
# (until otel-threads is on PyPI: pip install /path/to/your/clone of it)
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter("${url}/v1/traces")))
trace.set_tracer_provider(provider)

# then your instrumentation, and the conversation's id:
from otel_threads import thread

with thread("chat-42", user_id="ann"):
    agent.run("Hello")`,
  Node: (url) => `// npm install @opentelemetry/sdk-node @opentelemetry/exporter-trace-otlp-proto
import { NodeSDK } from "@opentelemetry/sdk-node";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";

new NodeSDK({
  traceExporter: new OTLPTraceExporter({ url: "${url}/v1/traces" }),
}).start();

// then set gen_ai.conversation.id on your spans`,
  Collector: (url) => `exporters:
  otlphttp/threads:
    endpoint: ${url}
    # where the server has an ingest_token: without it, everything is dropped
    # headers: {authorization: "Bearer \${env:INGEST_TOKEN}"}

# Apps give their spans the conversation's id, the attribute gen_ai.conversation.id.
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlphttp/threads]`,
};

/** The page of an empty database. */
export function FirstUse({ status }) {
  const [way, setWay] = useState("Environment");
  const [now, setNow] = useState(status);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    let gone = false;
    const stop = new AbortController();
    const look = async () => {
      try {
        const found = await get("/status", {}, stop.signal);
        if (!gone) setNow(found);
      } catch {
        // The server is away; the next look tells.
      }
      if (!gone) timer = setTimeout(look, POLL_MS);
    };
    let timer = setTimeout(look, POLL_MS);
    return () => {
      gone = true;
      stop.abort();
      clearTimeout(timer);
    };
  }, []);
  const url = endpointOf(now);
  const arrived = now.spans > 0;
  const refused = now.refused_requests ?? [];
  const text = WAYS[way](url);
  return html`<main id="main" class="first">
    <h1>Send your first conversation</h1>
    <p class="lead">Point an OpenTelemetry exporter at this address. Any LLM or agent instrumentation will do.</p>
    <p class="endpoint"><code>${url}</code> <${Copy} text=${url} /></p>
    <div class="ways" role="group" aria-label="How">${Object.keys(WAYS).map((name) => html`<button key=${name}
        aria-pressed=${name === way} onClick=${() => setWay(name)}>${name}</button>`)}</div>
    <div class="code"><pre tabindex="0"><code>${text}</code></pre><${Copy} text=${text} /></div>
    <p class="proof ${arrived ? "arrived" : ""}" role="status"><${Icon} name=${arrived ? "evaluator" : "event"} size=${18} />
      ${arrived ? html`<span><b>It works:</b> ${count(now.spans, "span")} arrived, ${count(now.threads, "thread")} so far. ${now.threads ? html`<button class="primary" onClick=${() => location.reload()}>Show the threads</button>` : html`<a href=${linkTo("loose")}>No span names a conversation yet: see what to add</a>`}</span>` : html`<span><span class="spinner" aria-hidden="true"></span> Waiting for the first span…</span>`}</p>
    ${refused.length > 0 && html`<${Refused} rows=${refused} />`}
    <hr />
    <h2>Or look around first</h2>
    <p>Recorded conversations of six instrumentations come with otel-threads.</p>
    <p><button class="primary" disabled=${busy} onClick=${async () => {
      setBusy(true);
      const ok = await attempt(() => post("/demo", {}), "The demo conversations are stored");
      if (!ok) setBusy(false);
      else await untilDerived();
    }}>Load the demo conversations</button></p>
  </main>`;
}

/** What was refused of OTLP: the sender has lost it, and nothing else says so. */
export const Refused = ({ rows }) => html`<div class="refused" role="alert">
  <h2><${Icon} name="error" size=${15} /> Requests were refused: what they held is lost</h2>
  <ul>${rows.map((row) => html`<li key=${row.port + row.reason}><b>${number(row.count)}</b> at <code>${row.port}</code>, ${row.explanation} <span class="faint" title=${exact(row.last_at)}>(last ${when(row.last_at)})</span></li>`)}</ul>
</div>`;

async function untilDerived() {
  for (let i = 0; i < 100; i += 1) {
    const status = await get("/status");
    if (status.derived_sequence >= status.committed_sequence && status.threads) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  go("threads", {});
  location.reload();
}
