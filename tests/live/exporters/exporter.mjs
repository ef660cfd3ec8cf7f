// Sends spans with OpenTelemetry's own exporter for Node over gRPC, in two batches: plain and gzip.
// ENDPOINT is http://host:port; SPANS how many each time.
import { Metadata } from "@grpc/grpc-js";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { BatchSpanProcessor, BasicTracerProvider } from "@opentelemetry/sdk-trace-base";

const count = Number(process.env.SPANS);
for (const compression of ["none", "gzip"]) {
  const metadata = new Metadata();
  metadata.set("x-otel-threads-project", "node");
  const exporter = new OTLPTraceExporter({ url: process.env.ENDPOINT, compression, metadata });
  const processor = new BatchSpanProcessor(exporter, { maxQueueSize: 2 * count });
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  const tracer = provider.getTracer("by-hand");
  for (let n = 0; n < count; n++) {
    const span = tracer.startSpan("chat");
    span.setAttribute("gen_ai.operation.name", "chat");
    span.setAttribute("gen_ai.conversation.id", "node-chat");
    span.end();
  }
  await provider.forceFlush();
  await provider.shutdown();
}
