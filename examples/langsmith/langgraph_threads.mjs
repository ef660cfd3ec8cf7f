// A LangGraph graph with a checkpointer, in JavaScript: its thread id is the conversation.
//
//     npm install @langchain/langgraph @langchain/core @langchain/openai langsmith
//     LANGSMITH_ENDPOINT=http://127.0.0.1:4320 LANGSMITH_API_KEY=any node langgraph_threads.mjs
process.env.LANGSMITH_ENDPOINT ??= "http://127.0.0.1:4320";
process.env.LANGSMITH_TRACING ??= "true";
process.env.LANGSMITH_API_KEY ??= "any";
process.env.LANGSMITH_PROJECT ??= "graph";

const { awaitAllCallbacks } = await import("@langchain/core/callbacks/promises");
const { END, MemorySaver, MessagesAnnotation, START, StateGraph } = await import("@langchain/langgraph");
const { ChatOpenAI } = await import("@langchain/openai");

const model = new ChatOpenAI({ model: process.env.MODEL ?? "gpt-4o-mini" });
const graph = new StateGraph(MessagesAnnotation)
  .addNode("chat", async (state) => ({ messages: [await model.invoke(state.messages)] }))
  .addEdge(START, "chat")
  .addEdge("chat", END)
  .compile({ checkpointer: new MemorySaver() });

const config = { configurable: { thread_id: process.env.THREAD_ID ?? "graph-1" } };
for (const content of ["Hello there", "And again"]) {
  const { messages } = await graph.invoke({ messages: [{ role: "user", content }] }, config);
  console.log(messages.at(-1).content);
}
await awaitAllCallbacks();
