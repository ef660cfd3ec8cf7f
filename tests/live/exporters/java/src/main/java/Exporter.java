import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import java.util.concurrent.TimeUnit;

/** Sends spans with OpenTelemetry's own exporter for Java over gRPC, in two batches: plain and gzip. */
public class Exporter {
  public static void main(String[] arguments) {
    int count = Integer.parseInt(System.getenv("SPANS"));
    for (String compression : new String[] {"none", "gzip"}) {
      var exporter =
          OtlpGrpcSpanExporter.builder()
              .setEndpoint(System.getenv("ENDPOINT"))
              .setCompression(compression)
              .addHeader("x-otel-threads-project", "java")
              .build();
      var processor = BatchSpanProcessor.builder(exporter).setMaxQueueSize(2 * count).build();
      var provider = SdkTracerProvider.builder().addSpanProcessor(processor).build();
      var tracer = provider.get("by-hand");
      for (int n = 0; n < count; n++) {
        var span = tracer.spanBuilder("chat").startSpan();
        span.setAttribute("gen_ai.operation.name", "chat");
        span.setAttribute("gen_ai.conversation.id", "java-chat");
        span.end();
      }
      if (!provider.forceFlush().join(60, TimeUnit.SECONDS).isSuccess()) {
        System.exit(1);
      }
      provider.shutdown().join(10, TimeUnit.SECONDS);
    }
  }
}
