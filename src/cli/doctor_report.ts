/**
 * What the doctor says: for programs and for people. Pure.
 *
 * @module
 */
import { addressText } from "../stun/address.ts";
import { type Outlook, outlookOf } from "../stun/behaviour.ts";
import type { Discovery } from "../stun/discovery.ts";
import type { NatCheck } from "./nat_check.ts";
import type { AddressCheck, NodeCheck } from "./node_check.ts";

/** Everything that was found. */
export interface DoctorReport {
  nodes: NodeCheck[];
  nat: NatCheck;
}

/** Best first: one family that works suffices. */
const OUTLOOKS: readonly Outlook[] = ["any-peer", "most-peers", "open-peers-only", "unknown", "relay-only"];

/** What both families together come to. */
export function outlook({ ipv4, ipv6 }: NatCheck): Outlook {
  const found = [ipv4, ipv6].filter((one) => one !== undefined).map(outlookOf);
  return OUTLOOKS.find((one) => found.includes(one)) ?? "unknown";
}

const WORDS: Readonly<Record<Outlook, string>> = {
  "any-peer": "Direct paths will open with every peer that has UDP.",
  "most-peers":
    "Direct paths will open with most peers; with those behind a symmetric NAT links stay on relay.",
  "open-peers-only":
    "This NAT is symmetric: direct paths will open only with peers that anybody can reach; else links stay on relay.",
  "relay-only": "UDP is blocked, or no STUN server runs: links stay on relay.",
  unknown:
    "Not enough STUN servers to tell whether direct paths will open; name one more: waymeet doctor stun:HOST",
};

/** One object of plain JSON. */
export function reportJson({ nodes, nat }: DoctorReport): Record<string, unknown> {
  return {
    event: "doctor",
    nodes: nodes.map(({ welcome, ...rest }) => ({
      ...rest,
      stun: welcome?.stun ?? [],
      turn: welcome?.turn?.flatMap(({ urls }) => urls) ?? [],
    })),
    udp: { ipv4: udpJson(nat.ipv4), ipv6: udpJson(nat.ipv6) },
    outlook: outlook(nat),
  };
}

function udpJson(found: Discovery | undefined): Record<string, unknown> {
  if (found === undefined) return { state: "untested" };
  const { udp, mapping, filtering, servers } = found;
  return {
    state: udp ? "open" : "blocked",
    mapping,
    filtering,
    outlook: outlookOf(found),
    servers: servers.map(({ server, mapped, rtt }) => ({
      server: addressText(server),
      mapped: mapped ? addressText(mapped) : null,
      rtt: rtt ?? null,
    })),
  };
}

/** For people. */
export function reportText({ nodes, nat }: DoctorReport): string {
  const lines = [
    ...nodes.flatMap(nodeLines),
    ...udpLines("IPv4", nat.ipv4),
    ...udpLines("IPv6", nat.ipv6),
    WORDS[outlook(nat)],
  ];
  return `${lines.join("\n")}\n`;
}

function nodeLines({ url, addresses, error, hello, ready, rtt, clockOffset, seenAs }: NodeCheck): string[] {
  const times = [
    hello === undefined ? undefined : `hello after ${ms(hello)}`,
    ready === undefined ? undefined : `session after ${ms(ready)}`,
    rtt === undefined ? undefined : `round trip ${ms(rtt)}`,
    clockOffset === undefined ? undefined : clockText(clockOffset),
    seenAs && `sees you as ${seenAs}`,
    error && `no session: ${error}`,
  ];
  const facts = times.filter((text) => text !== undefined && text !== "").join(", ");
  const unresolved = addresses.length === 0 ? ["  its name has no address here"] : [];
  return [url, `  ${facts}`, ...addresses.map(addressLine), ...unresolved];
}

function addressLine({ family, address, connect, error }: AddressCheck): string {
  const outcome = connect === undefined ? `unreachable (${error})` : `reachable in ${ms(connect)}`;
  return `  IPv${family} ${address} ${outcome}`;
}

/** A clock that is a minute off makes records that nodes refuse. */
function clockText(offset: number): string {
  if (Math.abs(offset) < 1_000) {
    return `clocks agree within ${(Math.ceil(Math.abs(offset) / 100) / 10).toFixed(1)} s`;
  }
  const seconds = `${Math.abs(offset / 1_000).toFixed(1)} s`;
  return `its clock is ${seconds} ${offset > 0 ? "ahead of" : "behind"} this machine's`;
}

function udpLines(name: string, found: Discovery | undefined): string[] {
  if (found === undefined) return [`UDP over ${name}: not tested, no STUN server there`];
  const { udp, mapping, filtering, servers } = found;
  if (!udp) {
    const asked = servers.map(({ server }) => addressText(server)).join(", ");
    return [`UDP over ${name}: blocked, no answer from ${asked}`];
  }
  return [
    `UDP over ${name}: open; mapping ${mapping}, filtering ${filtering}`,
    ...servers.map(({ server, mapped, rtt }) =>
      mapped
        ? `  ${addressText(server)} sees ${addressText(mapped)}, ${ms(rtt!)}`
        : `  ${addressText(server)} does not answer`
    ),
  ];
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms`;
}
