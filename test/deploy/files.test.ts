// runtimes: node
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { validate } from "dockerfile-utils";
import * as apps from "kubernetes-models/apps/v1";
import * as networking from "kubernetes-models/networking.k8s.io/v1";
import * as policy from "kubernetes-models/policy/v1";
import * as core from "kubernetes-models/v1";
import { parse as parseToml } from "smol-toml";
import { parse, parseAllDocuments } from "yaml";
import { startNode } from "../../src/rendezvous/serve.ts";
import { stagesOf } from "./dockerfile.ts";
import { DEPLOY, deployed, ROOT, understood } from "./place.ts";

// deno-lint-ignore no-explicit-any -- files of others' formats
type Tree = any;

const dockerfile = deployed("container", "Dockerfile");
const compose: Tree = parse(deployed("compose", "compose.yaml"), { merge: true });
const kubernetes: Tree[] = parseAllDocuments(deployed("kubernetes", "waymeet.yaml")).map((each) =>
  each.toJS()
);
const fly: Tree = parseToml(deployed("fly", "fly.toml"));
const pod = kubernetes.find(({ kind }) => kind === "StatefulSet").spec.template.spec;

describe("the Dockerfile", () => {
  const image = stagesOf(dockerfile).at(-1)!;

  it("is one, and asks for nothing deprecated", () => assert.deepEqual(validate(dockerfile), []));

  it("runs as nobody, without a shell, with a health check", () => {
    assert.match(image.user!, /^[1-9]\d*:[1-9]\d*$/);
    assert.deepEqual([image.entrypoint[0], image.health[0]], ["bun", "bun"]);
    assert.deepEqual(image.runs, []);
  });

  it("has the Bun that the tests run with", () => {
    const { devDependencies } = parse(deployed("..", "package.json"));
    assert.equal(image.from, `oven/bun:${devDependencies.bun}-distroless`);
  });

  it("leaves two things to the operator: who may come, and by which name", () => {
    assert.throws(() => understood(image.env), /say who may connect/);
    const env = { ...image.env, WAYMEET_ACCESS: "open", WAYMEET_NAME: "meet.example.org" };
    assert.deepEqual(understood(env).host, ["0.0.0.0"]);
  });
});

describe("the compose file with NATS", () => {
  const { services }: Tree = parse(deployed("nats", "compose.yaml"), { merge: true });

  it("runs nodes that know each server of one cluster, at places that peers and nodes dial alike", () => {
    const ports = ["nats-1", "nats-2", "nats-3"].map((name) =>
      /-p (\d+) --cluster_name w /.exec(services[name].command)![1]
    );
    for (const [name, port] of [["one", "8787"], ["two", "8788"]] as const) {
      const { WAYMEET_FABRIC, WAYMEET_PORT, WAYMEET_MESH_URL } = services[name].environment;
      assert.deepEqual(WAYMEET_FABRIC.split(","), ports.map((each) => `nats://127.0.0.1:${each}`));
      assert.deepEqual([WAYMEET_PORT, WAYMEET_MESH_URL], [port, `ws://127.0.0.1:${port}`]);
    }
    assert.deepEqual(services.network.ports, ["127.0.0.1:8787-8788:8787-8788"]);
  });
});

describe("the compose file", () => {
  const nodes = ["one", "two", "three"].map((name) => compose.services[name]);

  it("starts three nodes that know each other, and peers dial them where they dial each other", () => {
    for (const { environment, network_mode } of nodes) {
      const { WAYMEET_MESH_TOKEN: _secret, ...rest } = environment;
      const env = { ...stagesOf(dockerfile).at(-1)!.env, ...rest, WAYMEET_MESH_TOKEN: "0123456789abcdef" };
      const { join, meshUrl, port } = understood(env);
      assert.deepEqual(meshUrl, [`ws://127.0.0.1:${port}`]);
      assert.equal(join!.includes(meshUrl![0]!), true);
      assert.equal(network_mode, "service:network");
    }
    assert.deepEqual(compose.services.network.ports, ["127.0.0.1:8787-8789:8787-8789"]);
  });

  it("names files and volumes that are there", () => {
    const mounts: string[] = Object.values(compose.services).flatMap(({ volumes = [] }: Tree) => volumes);
    for (const source of mounts.map((mount) => mount.split(":")[0]!)) {
      const there = source.startsWith(".")
        ? existsSync(join(DEPLOY, "compose", source))
        : source in compose.volumes;
      assert.equal(there, true, source);
    }
    assert.equal(
      existsSync(join(DEPLOY, "compose", nodes[0].build.context, nodes[0].build.dockerfile)),
      true,
    );
  });

  it("has its nodes' numbers scraped at the ports they listen at", () => {
    const { scrape_configs: [job] } = parse(deployed("compose", "prometheus.yml")) as Tree;
    const ports = nodes.map(({ environment }) => `network:${environment.WAYMEET_PORT}`);
    assert.deepEqual(job.static_configs[0].targets, ports);
    const source = parse(deployed("compose", "grafana/provisioning/datasources/prometheus.yaml")) as Tree;
    assert.equal(source.datasources[0].uid, "prometheus");
  });
});

describe("Grafana's dashboard", () => {
  const dashboard: Tree = JSON.parse(deployed("compose", "grafana/dashboards/waymeet.json"));
  const expressions: string[] = dashboard.panels.flatMap(({ targets }: Tree) =>
    targets.map(({ expr }: Tree) => expr)
  );

  it("asks for metrics that a node has, by labels that it has", async () => {
    const text = await exposition();
    const names = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map((found) => found[1]!));
    const asked = expressions.flatMap((expr) => [...expr.matchAll(/waymeet_\w+/g)].map((found) => found[0]));
    assert.ok(asked.length > 20);
    assert.deepEqual(asked.filter((name) => !names.has(name.replace(/_(bucket|sum|count)$/, ""))), []);
    const labels = expressions.flatMap((expr) =>
      [...expr.matchAll(/\bby \((\w+)\)/g)].map((found) => found[1]!)
    );
    assert.deepEqual([...new Set(labels)].sort(), ["instance", "le", "outcome", "reason", "state"]);
  });

  it("has panels that do not lie upon each other, each with a source", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }: Tree) =>
      Array.from({ length: w * h }, (_, i) => `${x + i % w},${y + Math.floor(i / w)}`)
    );
    assert.equal(new Set(cells).size, cells.length);
    for (const { datasource } of dashboard.panels) assert.equal(datasource.uid, "prometheus");
  });
});

/** What a node with everything tells at a scrape. */
async function exposition(): Promise<string> {
  const mesh = { join: [], token: "0123456789abcdef", urls: [] };
  const listen = () => Promise.resolve({ port: 1, close: () => Promise.resolve() });
  const udp = () => Promise.resolve({ port: 1, send() {}, close: () => Promise.resolve() });
  const connect = () => {
    throw new Error("dials nobody");
  };
  const node = await startNode({ mesh, connect }, listen, udp);
  try {
    return await (await node.app.request("/metrics")).text();
  } finally {
    await node.stop({ graceMs: 0 });
  }
}

describe("the manifests for Kubernetes", () => {
  const models: Record<string, new (data: never) => { validate(): void }> = {
    "apps/v1 StatefulSet": apps.StatefulSet,
    "networking.k8s.io/v1 Ingress": networking.Ingress,
    "policy/v1 PodDisruptionBudget": policy.PodDisruptionBudget,
    "v1 Service": core.Service,
  };
  const judge = (manifest: Tree): void => {
    const model = models[`${manifest.apiVersion} ${manifest.kind}`];
    assert.ok(model, `${manifest.apiVersion} ${manifest.kind} is checked`);
    new model(manifest as never).validate();
  };

  it("are what the schemas of Kubernetes allow", () => {
    assert.equal(kubernetes.length, 5);
    for (const manifest of kubernetes) judge(manifest);
  });

  it("would not pass with a wrong value", () => {
    const wrong = structuredClone(kubernetes.find(({ kind }) => kind === "StatefulSet"));
    wrong.spec.template.spec.containers[0].readinessProbe.httpGet.port = { name: "waymeet" };
    assert.throws(() => judge(wrong));
  });

  it("say to the node what it understands, with names that the certificate covers", () => {
    const [{ env, volumeMounts }] = pod.containers;
    const values: Record<string, string> = { POD_NAME: "waymeet-0" };
    for (const { name, value = "0123456789abcdef" } of env) {
      if (name === "POD_NAME") continue;
      values[name] = value.replace(/\$\((\w+)\)/g, (_: string, of: string) => values[of]!);
    }
    const { meshUrl, name, discover, tlsCert } = understood({
      ...stagesOf(dockerfile).at(-1)!.env,
      ...values,
    });
    const host = "waymeet-0.waymeet-nodes.waymeet.svc.cluster.local";
    assert.deepEqual([meshUrl, name], [[`wss://${host}:8787`], ["meet.example.org", host]]);
    assert.equal(host, `waymeet-0.${discover}`);
    const certificates: Tree[] = parseAllDocuments(deployed("kubernetes", "certificates.yaml")).map((d) =>
      d.toJS()
    );
    const { spec } = certificates.find(({ metadata: { name }, kind }) =>
      kind === "Certificate" && name === "waymeet-nodes"
    );
    assert.deepEqual(spec.dnsNames, [`*.${discover}`]);
    assert.equal(pod.volumes.find(({ secret }: Tree) => secret).secret.secretName, spec.secretName);
    assert.equal(tlsCert!.startsWith(`${volumeMounts[0].mountPath}/`), true);
    const headless = kubernetes.find(({ kind, spec }) => kind === "Service" && spec.clusterIP === "None");
    assert.equal(discover, `${headless.metadata.name}.${headless.metadata.namespace}.svc.cluster.local`);
    // `--discover` asks for SRV at _waymeet._tcp: the name of the port, and its protocol.
    assert.deepEqual([headless.spec.ports[0].name, headless.spec.ports[0].protocol], ["waymeet", "TCP"]);
  });

  it("give a node the time it takes to leave", () => {
    const [, , sleep] = pod.containers[0].lifecycle.preStop.exec.command;
    const waits = Number(/sleep\((\d+)\)/.exec(sleep)![1]) / 1_000;
    assert.ok(pod.terminationGracePeriodSeconds >= waits + 5);
  });

  it("run as the image's user, with nothing to write on but the key's folder", () => {
    const user = stagesOf(dockerfile).at(-1)!.user;
    assert.equal(`${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`, user);
    assert.equal(pod.containers[0].securityContext.readOnlyRootFilesystem, true);
  });
});

describe("fly.toml", () => {
  it("says to the node what it understands, and asks it at its port whether it is ready", () => {
    const { env, http_service, build } = fly;
    const choices = understood({ ...stagesOf(dockerfile).at(-1)!.env, ...env });
    assert.equal(http_service.internal_port, choices.port);
    assert.equal(http_service.checks[0].path, "/readyz");
    assert.equal(existsSync(join(DEPLOY, "fly", build.dockerfile)), true);
  });
});

describe("deploy/", () => {
  it("says of each way when to choose it", () => {
    const guide = deployed("README.md");
    const folders = readdirSync(DEPLOY, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) assert.match(guide, new RegExp(`\\(${name}\\)|\\(${name}/`), name);
    assert.match(deployed("..", "README.md"), /\(deploy\)/);
    assert.equal(existsSync(join(ROOT, "deploy", "README.md")), true);
  });
});
