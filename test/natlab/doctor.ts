/** What a node's own STUN server and `waymeet doctor` make of the lab's NATs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Lab } from "./lab.ts";
import { Program } from "./program.ts";
import { classify, HOSTS, kindsOf, type Network, type Probed } from "./probe.ts";
import { BEHAVIOUR, type Behaviour, type SharedKind, type SiteKind } from "./site.ts";
import { MAIN, NODE_URL, startNode, WIRE } from "./stage.ts";
import { topology } from "./topology.ts";

/** Both, at both sides of a network, beside what the lab's own probe says through that node. */
export async function diagnose({ sites }: Network): Promise<Probed[]> {
  await using lab = await Lab.build(topology({ sites }), { delay: WIRE });
  const home = mkdtempSync(join(tmpdir(), "waymeet-natlab-"));
  try {
    await startNode(lab, home);
    const probed = await classify(lab, sites);
    const doctor = await Promise.all(kindsOf(sites).map((site, i) => ask(lab, site, HOSTS[i]!, home)));
    return [...probed.map((each) => ({ ...each, site: `${each.site} by its STUN` })), ...doctor];
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

interface Finding {
  state: string;
  mapping: string;
  filtering: string;
}

async function ask(lab: Lab, site: SiteKind | SharedKind, box: string, home: string): Promise<Probed> {
  const command = [process.execPath, MAIN, "doctor", NODE_URL, "--insecure", "--json"];
  const program = new Program(`doctor at ${site}`, lab.spawn(box, command, { HOME: home }));
  const { udp } = await program.event("doctor") as unknown as { udp: { ipv4: Finding; ipv6: Finding } };
  return judge(site, site === "ipv6" ? udp.ipv6 : udp.ipv4);
}

/** The doctor's word for it. */
function said({ mapping, filtering }: Behaviour): Finding {
  if (mapping === "blocked") return { state: "blocked", mapping: "unknown", filtering: "unknown" };
  return { state: "open", mapping: mapping === "none" ? "no-nat" : mapping, filtering };
}

function judge(site: SiteKind | SharedKind, seen: Finding): Probed {
  const expected = said(BEHAVIOUR[site]);
  const wrong = (["state", "mapping", "filtering"] as const).filter((key) => seen[key] !== expected[key]);
  return {
    site: `${site} by waymeet doctor`,
    seen: { mapping: seen.mapping, filtering: seen.filtering },
    failures: wrong.map((key) => `${key} is ${seen[key]}, not ${expected[key]}`),
  };
}
