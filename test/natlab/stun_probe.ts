/**
 * A NAT classified by STUN from inside (RFC 5780 §4.3, §4.4), with a server of its own:
 * what the lab claims of its NATs rests on no line of the product.
 *
 *     stun_probe.ts serve ADDRESS ALTERNATE     prints an event `ready`
 *     stun_probe.ts ask ADDRESS ALTERNATE       prints an event `behaviour`, a {@link Behaviour}
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import process from "node:process";
import { isDeepStrictEqual } from "node:util";
import type { Behaviour } from "./site.ts";

/** 3478 is STUN's; the alternate is RFC 5780's example. */
const PORTS = [3478, 3479] as const;
const COOKIE = 0x2112_a442;
const BINDING_REQUEST = 0x0001;
const BINDING_RESPONSE = 0x0101;
const XOR_MAPPED_ADDRESS = 0x0020;
const CHANGE_REQUEST = 0x0003;
const CHANGE_IP = 4;
const CHANGE_PORT = 2;
/** Between tries, ms: several round trips of the lab, on a busy machine. */
const PATIENCE = 250;
const TRIES = 3;

interface Place {
  address: string;
  port: number;
}

async function bind(place: Partial<Place> = {}, six: boolean = false): Promise<Socket> {
  const socket = createSocket(six || isIPv6(place.address ?? "") ? "udp6" : "udp4");
  socket.on("error", () => {}); // an ICMP error is an answer that does not come
  socket.bind(place.port ?? 0, place.address);
  await once(socket, "listening");
  return socket;
}

function request(change: number): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(28));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, BINDING_REQUEST);
  view.setUint16(2, 8);
  view.setUint32(4, COOKIE);
  view.setUint16(20, CHANGE_REQUEST);
  view.setUint16(22, 4);
  view.setUint32(24, change);
  return bytes;
}

/** Answers a request with the address it came from (RFC 8489 §14.2). */
function response(to: Uint8Array, { address, port }: Place): Uint8Array {
  const own = addressBytes(address);
  const bytes = new Uint8Array(28 + own.length);
  bytes.set(to.subarray(0, 20));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, BINDING_RESPONSE);
  view.setUint16(2, 8 + own.length);
  view.setUint16(20, XOR_MAPPED_ADDRESS);
  view.setUint16(22, 4 + own.length);
  view.setUint16(24, own.length === 4 ? 1 : 2);
  view.setUint16(26, port ^ (COOKIE >>> 16));
  bytes.set(own.map((byte, i) => byte ^ to[4 + i]!), 28);
  return bytes;
}

/** What XOR-MAPPED-ADDRESS in an answer says. */
function mappedAddress(bytes: Uint8Array): Place | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 20; at + 4 <= bytes.length;) {
    const [type, length] = [view.getUint16(at), view.getUint16(at + 2)];
    if (type === XOR_MAPPED_ADDRESS) {
      const own = bytes.slice(at + 8, at + 4 + length).map((byte, i) => byte ^ bytes[4 + i]!);
      return { address: addressText(own), port: view.getUint16(at + 6) ^ (COOKIE >>> 16) };
    }
    at += 4 + length + (-length & 3);
  }
  return undefined;
}

function addressBytes(text: string): Uint8Array {
  if (!text.includes(":")) return Uint8Array.from(text.split("."), Number);
  const [head, tail] = text.split("%")[0]!.split("::").map((part) => part.split(":").filter(Boolean));
  const gap = Array<string>(8 - head!.length - (tail?.length ?? 0)).fill("0");
  const groups = [...head!, ...gap, ...tail ?? []].map((group) => parseInt(group, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

/** Without `::`, so that one address has one spelling. */
function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => bytes[2 * i]! << 8 | bytes[2 * i + 1]!);
  return groups.map((group) => group.toString(16)).join(":");
}

/** Four sockets, two addresses by two ports; CHANGE-REQUEST says which of them answers. */
async function serve(addresses: string[]): Promise<void> {
  const places = addresses.map((address) => PORTS.map((port) => bind({ address, port })));
  const sockets = await Promise.all(places.map((row) => Promise.all(row)));
  for (const [i, row] of sockets.entries()) {
    for (const [j, socket] of row.entries()) {
      socket.on("message", (bytes, from) => {
        const change = changeOf(bytes);
        const answering = sockets[change & CHANGE_IP ? 1 - i : i]![change & CHANGE_PORT ? 1 - j : j]!;
        answering.send(response(bytes, from), from.port, from.address, () => {});
      });
    }
  }
  console.log(JSON.stringify({ event: "ready" }));
}

/** What CHANGE-REQUEST asks for; others than this probe send none. */
function changeOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes.length >= 28 && view.getUint16(20) === CHANGE_REQUEST ? view.getUint32(24) : 0;
}

/** The address that the server saw, or nothing after {@link TRIES}. */
async function ask(socket: Socket, { address, port }: Place, change: number = 0): Promise<Place | undefined> {
  for (let i = 0; i < TRIES; i++) {
    const bytes = request(change);
    const answer = answerTo(socket, bytes);
    socket.send(bytes, port, address, () => {});
    const mapped = await answer;
    if (mapped) return mapped;
  }
  return undefined;
}

function answerTo(socket: Socket, bytes: Uint8Array): Promise<Place | undefined> {
  return new Promise((resolve) => {
    const end = (mapped?: Place): void => {
      clearTimeout(timer);
      socket.off("message", hear);
      resolve(mapped);
    };
    const hear = (answer: Uint8Array): void => {
      const same = answer.subarray(4, 20).every((byte, i) => byte === bytes[4 + i]);
      if (same) end(mappedAddress(answer));
    };
    const timer = setTimeout(() => end(), PATIENCE);
    socket.on("message", hear);
  });
}

async function mapping([first, second]: [string, string]): Promise<Behaviour["mapping"]> {
  const socket = await bind({}, isIPv6(first));
  const one = await ask(socket, { address: first, port: PORTS[0] });
  if (one === undefined) return "blocked";
  if (isOwn(one.address)) return "none";
  const two = await ask(socket, { address: second, port: PORTS[0] });
  if (isDeepStrictEqual(one, two)) return "endpoint-independent";
  const three = await ask(socket, { address: second, port: PORTS[1] });
  return isDeepStrictEqual(two, three) ? "address-dependent" : "address-and-port-dependent";
}

function isOwn(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((each) => each!.map((one) => one.address));
  return own.some((each) => addressText(addressBytes(each)) === address);
}

/** A socket for each question: an answer that came through would open the next one's way. */
async function filtering(address: string): Promise<Behaviour["filtering"]> {
  const six = isIPv6(address);
  const place = { address, port: PORTS[0] };
  const heard = async (change: number): Promise<boolean> => {
    return await ask(await bind({}, six), place, change) !== undefined;
  };
  const [plain, both, port] = await Promise.all([
    heard(0),
    heard(CHANGE_IP | CHANGE_PORT),
    heard(CHANGE_PORT),
  ]);
  if (!plain) return "blocked";
  if (both) return "endpoint-independent";
  return port ? "address-dependent" : "address-and-port-dependent";
}

/** Whether two sockets of one host hear each other by their public addresses, once both have sent. */
async function hairpin(address: string): Promise<boolean> {
  const ends = await Promise.all([bind({}, isIPv6(address)), bind({}, isIPv6(address))]);
  const mapped = await Promise.all(ends.map((end) => ask(end, { address, port: PORTS[0] })));
  const heard = new Set<Socket>();
  for (const end of ends) end.on("message", () => heard.add(end));
  for (let i = 0; i < TRIES; i++) {
    for (const [k, end] of ends.entries()) {
      const to = mapped[1 - k];
      if (to) end.send(request(0), to.port, to.address, () => {});
    }
    await new Promise((resolve) => setTimeout(resolve, PATIENCE / TRIES));
  }
  return heard.size === ends.length;
}

const [role, ...addresses] = process.argv.slice(2) as [string, string, string];
if (role === "serve") await serve(addresses);
else {
  const answer = {
    event: "behaviour",
    mapping: await mapping(addresses),
    filtering: await filtering(addresses[0]),
    hairpin: await hairpin(addresses[0]),
  };
  console.log(JSON.stringify(answer));
  process.exit(0);
}
