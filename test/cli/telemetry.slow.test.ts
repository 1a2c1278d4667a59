// deadline: 60 s
// cores: 0.5
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { Collector } from "../edge/collector.ts";
import { Program, Stage } from "./programs.ts";

const stage = new Stage("node");
const collector = await Collector.open();
after(async () => {
  await stage.close();
  await collector.close();
});

describe("waymeet serve with a collector", () => {
  it("takes it, its headers and the service's name from the standard variables, and reports at its end", async () => {
    const key = stage.file("node.pem");
    const node = new Program("node", ["serve", "--port", "0", "--key", key, "--json"], {
      HOME: stage.home,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=secret",
      OTEL_SERVICE_NAME: "our-relay",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
    });
    const { id } = await node.event("ready");
    const { exitCode, errors } = await node.stop();
    assert.equal(exitCode, 0, errors);
    assert.equal(collector.headers["x-api-key"], "secret");
    assert.deepEqual(collector.metrics.get("waymeet_build_info")!.points[0]!.labels["id"], id);
    const { "service.name": name, "deployment.environment": environment } = collector.resource;
    assert.deepEqual([name, environment], ["our-relay", "test"]);
  });

  it("that is no URL does not start, and says what one looks like", async () => {
    const { exitCode, errors } = await stage.run([
      "serve",
      "--port",
      "0",
      "--key",
      stage.file("b.pem"),
      "--otlp",
      "x",
    ]);
    assert.notEqual(exitCode, 0);
    assert.match(errors, /such as http:\/\/localhost:4318/);
  });
});
