/** What a node counts, in the data model of OpenTelemetry. */
import { type HrTime, ValueType } from "@opentelemetry/api";
import type { MetricData } from "@opentelemetry/sdk-metrics";
import type { Family, Page, Sample } from "../src/rendezvous/exposition.ts";

/** Of `DataPointType`, `AggregationTemporality` and `InstrumentType` in the SDK, which is not loaded by who needs none of it. */
const HISTOGRAM = 0;
const GAUGE = 2;
const SUM = 3;
const CUMULATIVE = 1;

/** `began`, `now`: milliseconds since 1970. The names are those of `/metrics`. */
export function metricData(page: Page, began: number, now: number): MetricData[] {
  const [startTime, endTime] = [hrTime(began), hrTime(now)];
  return page.families.filter(({ samples }) => samples.length > 0).map((family) =>
    ({
      descriptor: {
        name: `waymeet_${family.name}`,
        description: family.help,
        unit: unitOf(family.name),
        valueType: ValueType.DOUBLE,
      },
      aggregationTemporality: CUMULATIVE,
      ...dataOf(family, { startTime, endTime }),
    }) as unknown as MetricData
  );
}

interface Times {
  startTime: HrTime;
  endTime: HrTime;
}

function dataOf(family: Family, times: Times): Record<string, unknown> {
  switch (family.type) {
    case "histogram":
      return { dataPointType: HISTOGRAM, dataPoints: [histogramPoint(family.samples, times)] };
    case "counter":
      return { dataPointType: SUM, isMonotonic: true, dataPoints: points(family, times) };
    case "gauge":
      return { dataPointType: GAUGE, dataPoints: points(family, times) };
  }
}

/** JSON has no `Infinity`: a limit without a bound is left out. */
function points({ samples }: Family, times: Times): unknown[] {
  return samples.filter(({ value }) => Number.isFinite(value)).map(({ value, labels }) => ({
    ...times,
    attributes: labels,
    value,
  }));
}

/** Prometheus counts what is at most a bound, OpenTelemetry what is between two. */
function histogramPoint(samples: readonly Sample[], times: Times): unknown {
  const ending = (end: string) => samples.filter(({ name }) => name.endsWith(end));
  const buckets = ending("_bucket");
  const boundaries = buckets.map(({ labels }) => Number(labels["le"])).filter(Number.isFinite);
  const counts = buckets.map(({ value }, i) => value - (buckets[i - 1]?.value ?? 0));
  const [sum, count] = [ending("_sum")[0]!.value, ending("_count")[0]!.value];
  return { ...times, attributes: {}, value: { buckets: { boundaries, counts }, sum, count } };
}

/** Units of UCUM, by what the name says. */
function unitOf(name: string): string {
  if (name.includes("seconds")) return "s";
  return name.includes("bytes") ? "By" : "1";
}

function hrTime(milliseconds: number): HrTime {
  return [Math.floor(milliseconds / 1_000), Math.round((milliseconds % 1_000) * 1e6)];
}
