// A chat bot that reads its history back from the server: LangSmith's own program of its threads page.
//
//     npm install langsmith openai
//     LANGSMITH_ENDPOINT=http://127.0.0.1:4320 LANGSMITH_API_KEY=any node history.mjs
process.env.LANGSMITH_ENDPOINT ??= "http://127.0.0.1:4320";
process.env.LANGSMITH_TRACING ??= "true";
process.env.LANGSMITH_API_KEY ??= "any";

const { default: OpenAI } = await import("openai");
const { Client } = await import("langsmith");
const { getCurrentRunTree, traceable } = await import("langsmith/traceable");
const { wrapOpenAI } = await import("langsmith/wrappers");

const projectName = "project-with-threads";
const threadId = process.env.THREAD_ID ?? "thread-id-1";
const client = new Client();
const model = wrapOpenAI(new OpenAI(), { client });

async function history(thread, project) {
  const ofThread =
    'and(in(metadata_key, ["session_id","conversation_id","thread_id"]),' +
    ` eq(metadata_value, "${thread}"))`;
  const runs = [];
  for await (const run of client.listRuns({ projectName: project, filter: ofThread, runType: "llm" })) {
    runs.push(run);
  }
  runs.sort((a, b) => new Date(b.start_time) - new Date(a.start_time));
  return [...runs[0].inputs.messages, runs[0].outputs.choices[0].message];
}

const chat = traceable(
  async ({ messages, getChatHistory }) => {
    const run = getCurrentRunTree();
    const before = getChatHistory ? await history(run.extra.metadata.session_id, run.project_name) : [];
    const said = [...before, ...messages];
    const done = await model.chat.completions.create({ model: process.env.MODEL ?? "gpt-4o-mini", messages: said });
    return { messages: [...said, done.choices[0].message] };
  },
  { name: "Chat Bot", project_name: projectName, metadata: { session_id: threadId }, client },
);

async function say(text, getChatHistory) {
  const said = await chat({ messages: [{ role: "user", content: text }], getChatHistory });
  await client.awaitPendingTraceBatches();
  console.log(`${text}\n  ${said.messages.at(-1).content}`);
}

await say("Hi, my name is Sally", false);
await say("What is my name?", true);
await say("What was the first message I sent you?", true);
for (const thread of await client.listThreads({ projectName })) {
  console.log(`${thread.thread_id}: ${thread.count} turns`);
}
