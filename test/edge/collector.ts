/** A receiver of OTLP over HTTP as JSON (opentelemetry-proto, `collector/{metrics,trace}/v1`): what arrives, read. */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server } from "node:http";

type Labels = Record<string, unknown>;

export interface Metric {
  type: "sum" | "gauge" | "histogram";
  unit: string;
  points: { value: number; labels: Labels }[];
  histogram?: { bounds: number[]; counts: number[]; sum: number; count: number };
}

/** Times in milliseconds since 1970. */
export interface Span {
  name: string;
  start: number;
  end: number;
  failed: boolean;
  attributes: Labels;
}

// deno-lint-ignore no-explicit-any -- JSON of somebody else
type Json = any;

export class Collector {
  readonly metrics: Map<string, Metric> = new Map();
  readonly spans: Span[] = [];
  resource: Labels = {};
  /** Headers of the request that came last. */
  headers: IncomingMessage["headers"] = {};
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const parts: Uint8Array[] = [];
      for await (const part of request) parts.push(part as Uint8Array);
      this.headers = request.headers;
      this.#take(request.url!, JSON.parse(Buffer.concat(parts).toString()));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  }

  static async open(): Promise<Collector> {
    const collector = new Collector();
    await new Promise<void>((resolve) => void collector.#server.listen(0, "127.0.0.1", resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(path: string, body: Json): void {
    if (path === "/v1/metrics") { for (const each of body.resourceMetrics) this.#takeMetrics(each); }
    else if (path === "/v1/traces") { for (const each of body.resourceSpans) this.#takeSpans(each); }
    else throw new Error(`nothing is sent to ${path}`);
  }

  #takeMetrics({ resource, scopeMetrics }: Json): void {
    this.resource = labels(resource.attributes);
    for (const metric of scopeMetrics.flatMap((scope: Json) => scope.metrics)) {
      this.metrics.set(metric.name, read(metric));
    }
  }

  #takeSpans({ scopeSpans }: Json): void {
    for (const span of scopeSpans.flatMap((scope: Json) => scope.spans)) {
      this.spans.push({
        name: span.name,
        start: Number(span.startTimeUnixNano) / 1e6,
        end: Number(span.endTimeUnixNano) / 1e6,
        failed: span.status.code === 2,
        attributes: labels(span.attributes),
      });
    }
  }
}

function read({ unit, sum, gauge, histogram }: Json): Metric {
  if (histogram) {
    const [{ explicitBounds: bounds, bucketCounts, sum, count }] = histogram.dataPoints;
    const numbers = { bounds, counts: bucketCounts.map(Number), sum, count: Number(count) };
    return { type: "histogram", unit, points: [], histogram: numbers };
  }
  const points = (sum ?? gauge).dataPoints.map((point: Json) => ({
    value: Number(point.asInt ?? point.asDouble),
    labels: labels(point.attributes),
  }));
  return { type: sum ? "sum" : "gauge", unit, points };
}

function labels(attributes: { key: string; value: Record<string, unknown> }[]): Labels {
  return Object.fromEntries(attributes.map(({ key, value }) => {
    const read = value["stringValue"] ?? value["boolValue"] ?? value["intValue"] ?? value["doubleValue"];
    return [key, "intValue" in value ? Number(read) : read];
  }));
}
