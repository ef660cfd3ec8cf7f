// The TypeScript client: a trace a turn, its threadId beside it.
//   npm install opik
//   OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api node chat.mjs
import { Opik } from "opik";

const client = new Opik({
  projectName: "Default Project",
  apiUrl: process.env.OPIK_URL_OVERRIDE,
});
for (const question of ["Hello there", "And again"]) {
  const trace = client.trace({ name: "chat turn", input: { user: question }, threadId: "live-1" });
  trace.update({ output: { assistant: `You said: ${question}` } });
  trace.end();
}
await client.flush();
process.exit(0);
