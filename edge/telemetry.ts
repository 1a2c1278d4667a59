/**
 * A node's metrics and spans to a collector, by OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/).
 * The packages of OpenTelemetry are loaded by who asks for this alone.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { diag, DiagLogLevel, trace } from "@opentelemetry/api";
import type { MetricData, MetricProducer } from "@opentelemetry/sdk-metrics";
import process from "node:process";
import type { RendezvousNode } from "../src/rendezvous/node.ts";
import { VERSION_TEXT } from "../src/wire/version.ts";
import { metricData } from "./otlp_metrics.ts";

export interface TelemetryOptions {
  /**
   * Base URL of the collector, such as `http://localhost:4318`: `v1/metrics` and `v1/traces` are below it. The
   * standard variables `OTEL_EXPORTER_OTLP_…` say the rest, as headers, and another place for one of the two.
   */
  url: string;
  /** Milliseconds between two reports of all metrics; default 60,000, or `OTEL_METRIC_EXPORT_INTERVAL`. */
  interval?: number;
}

/** Sends what is left, and ends. */
export type Telemetry = AsyncDisposable;

type Packages = Awaited<ReturnType<typeof load>>;

/**
 * Reports what this node counts until it is disposed, and the spans of this process.
 *
 * @throws {TypeError} when the URL is none, or the packages of OpenTelemetry are not installed.
 */
export async function exportTelemetry(node: RendezvousNode, options: TelemetryOptions): Promise<Telemetry> {
  const { url } = options;
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : "")) {
    throw new TypeError(`a collector has a URL such as http://localhost:4318, not ${JSON.stringify(url)}`);
  }
  const packages = await load();
  sayWhatFails();
  const resource = resourceOf(packages, node);
  const metrics = reporter(packages, resource, node, options);
  const traces = tracer(packages, resource, url);
  return {
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([metrics.shutdown(), traces.shutdown()]); // a collector that is gone holds up no end
      trace.disable();
      diag.disable();
    },
  };
}

const MISSING = "telemetry needs packages that are not installed; run: npm install " +
  "@opentelemetry/sdk-metrics @opentelemetry/sdk-trace-base @opentelemetry/resources " +
  "@opentelemetry/exporter-metrics-otlp-http @opentelemetry/exporter-trace-otlp-http";

// deno-lint-ignore explicit-function-return-type explicit-module-boundary-types -- the packages' own types
async function load() {
  try {
    const [metrics, traces, resources, metricExporter, traceExporter] = await Promise.all([
      import("@opentelemetry/sdk-metrics"),
      import("@opentelemetry/sdk-trace-base"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/exporter-metrics-otlp-http"),
      import("@opentelemetry/exporter-trace-otlp-http"),
    ]);
    return { ...metrics, ...traces, ...resources, ...metricExporter, ...traceExporter };
  } catch (cause) {
    throw new TypeError(MISSING, { cause });
  }
}

/** The SDK goes on when a collector does not answer, and would say nothing. */
function sayWhatFails(): void {
  const log = getLogger(["waymeet", "telemetry"]);
  const say = (text: string, ...more: unknown[]) => log.warn("{text}", { text: [text, ...more].join(" ") });
  const silent = () => {};
  const logger = { error: say, warn: say, info: silent, debug: silent, verbose: silent };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

type Resource = ReturnType<Packages["resourceFromAttributes"]>;

/** The operator's word first: `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`. */
function resourceOf(
  { resourceFromAttributes, detectResources, envDetector }: Packages,
  node: RendezvousNode,
): Resource {
  const own = resourceFromAttributes({
    "service.name": process.env["OTEL_SERVICE_NAME"] ?? "waymeet",
    "service.namespace": node.network,
    "service.version": VERSION_TEXT,
    "service.instance.id": node.id,
  });
  return own.merge(detectResources({ detectors: [envDetector] }));
}

function reporter(packages: Packages, resource: Resource, node: RendezvousNode, options: TelemetryOptions) {
  const { OTLPMetricExporter, PeriodicExportingMetricReader, MeterProvider } = packages;
  const exportIntervalMillis = options.interval ??
    Number(process.env["OTEL_METRIC_EXPORT_INTERVAL"] ?? 60_000);
  const began = Date.now();
  const producer: MetricProducer = {
    collect: () => {
      const metrics: MetricData[] = metricData(node.exposition(), began, Date.now());
      const scope = { name: "waymeet", version: VERSION_TEXT };
      return Promise.resolve({
        resourceMetrics: { resource, scopeMetrics: [{ scope, metrics }] },
        errors: [],
      });
    },
  };
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({
      url: endpoint(options.url, "metrics"),
      timeoutMillis: LONGEST_EXPORT,
    }),
    exportIntervalMillis,
    exportTimeoutMillis: Math.min(exportIntervalMillis, LONGEST_EXPORT),
    metricProducers: [producer],
  });
  return new MeterProvider({ resource, readers: [reader] });
}

/** Milliseconds that a collector has for its answer; also what the end of a node waits for one that is silent. */
const LONGEST_EXPORT = 2_000;

function tracer(packages: Packages, resource: Resource, url: string) {
  const { OTLPTraceExporter, BatchSpanProcessor, BasicTracerProvider } = packages;
  const exporter = new OTLPTraceExporter({ url: endpoint(url, "traces"), timeoutMillis: LONGEST_EXPORT });
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter)] });
  trace.setGlobalTracerProvider(provider);
  return provider;
}

/** The signal's own variable names a place of its own (OTLP exporter specification, "Endpoint URLs for OTLP/HTTP"). */
function endpoint(base: string, signal: "metrics" | "traces"): string {
  const own = process.env[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`];
  return own ?? new URL(`v1/${signal}`, base.endsWith("/") ? base : `${base}/`).href;
}
