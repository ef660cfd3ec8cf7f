// The Vercel AI SDK on Node: `experimental_telemetry.metadata.sessionId` is the conversation.
//
//   npm install ai @ai-sdk/openai zod @opentelemetry/api @opentelemetry/sdk-trace-node \
//       @opentelemetry/exporter-trace-otlp-http
//   OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 node vercel_ai.mjs
import { createOpenAI } from "@ai-sdk/openai";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, stepCountIs, tool } from "ai";
import { z } from "zod";

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: "none" });
const getWeather = tool({
  description: "Tell the weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});
const conversations = {
  "live-1": ["Hello there", "What is the weather in Paris?"],
  "live-2": ["Bonjour"],
};
for (const [sessionId, texts] of Object.entries(conversations)) {
  const messages = [];
  for (const text of texts) {
    messages.push({ role: "user", content: text });
    const { response } = await generateText({
      model: openai.chat("gpt-4o-mini"),
      messages,
      tools: { getWeather },
      stopWhen: stepCountIs(5),
      experimental_telemetry: { isEnabled: true, metadata: { sessionId } },
    });
    messages.push(...response.messages);
  }
}
await provider.shutdown();
