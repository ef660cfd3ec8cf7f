// Vercel's AI SDK as LangSmith wraps it: the metadata name the thread.
//
//     npm install ai @ai-sdk/openai langsmith
//     LANGSMITH_ENDPOINT=http://127.0.0.1:4320 LANGSMITH_API_KEY=any node vercel_ai.mjs
process.env.LANGSMITH_ENDPOINT ??= "http://127.0.0.1:4320";
process.env.LANGSMITH_TRACING ??= "true";
process.env.LANGSMITH_API_KEY ??= "any";
process.env.LANGSMITH_PROJECT ??= "vercel";

const { createOpenAI } = await import("@ai-sdk/openai");
const ai = await import("ai");
const { Client } = await import("langsmith");
const { wrapAISDK } = await import("langsmith/experimental/vercel");

const client = new Client();
const metadata = { session_id: process.env.THREAD_ID ?? "vercel-1" };
const { generateText } = wrapAISDK(ai, { client, metadata });
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });

const messages = [];
for (const content of ["Hello there", "And again"]) {
  messages.push({ role: "user", content });
  const { text } = await generateText({
    model: openai.chat(process.env.MODEL ?? "gpt-4o-mini"),
    messages,
  });
  messages.push({ role: "assistant", content: text });
  console.log(text);
}
await client.awaitPendingTraceBatches();
