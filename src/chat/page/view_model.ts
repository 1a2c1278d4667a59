/**
 * What the page shows, as plain data worked out from the store and from what is live.
 *
 * @module
 */
import type { PeerId } from "../../identity/peer_id.ts";
import type { Live, Sight } from "../live.ts";
import type { ChatStore } from "../store.ts";
import { type Contact, type Entry, isSaid } from "../types.ts";

/** A conversation in the sidebar. */
export interface RoomLine {
  room: string;
  title: string;
  /** `undefined` for groups. */
  peer?: PeerId;
  state: Contact["state"] | "group";
  online: boolean;
  /** Messages nobody has seen yet. */
  unseen: number;
  /** How many are in a group now. */
  members?: number;
}

export interface View {
  own: PeerId;
  name: string;
  session: Live["session"];
  note: string;
  /** People who ask, the latest first. */
  requests: Contact[];
  rooms: RoomLine[];
  open: OpenRoom | undefined;
}

/** The conversation on the screen. */
export interface OpenRoom {
  line: RoomLine;
  sight: Sight | undefined;
  entries: Entry[];
  /** Whether there are earlier ones. */
  more: boolean;
  progress: Live["progress"];
  /** Names of those who wrote, as they call themselves. */
  names: Record<PeerId, string>;
  /** Contacts, and who asked or was asked to be one. */
  known: PeerId[];
  /** Whom a message goes to. */
  to: PeerId[];
}

/** Reads what there is to show. `limit`: how many entries of the open room. */
export async function look(
  own: PeerId,
  store: ChatStore,
  live: Live,
  room: string | undefined,
  limit: number,
): Promise<View> {
  const [name, groups, contacts, unseen] = await Promise.all([
    store.name(),
    store.groups(),
    store.contacts(),
    store.unseen(),
  ]);
  const requests = contacts.filter(({ state }) => state === "asking").sort((a, b) => b.changed - a.changed);
  const people = contacts.filter(({ state }) => state !== "asking" && state !== "refused");
  const rooms = [
    ...groups.map((group) => groupLine(group, live.groups[group] ?? [], unseen)),
    ...people.map((contact) => contactLine(contact, live, unseen)).sort(byTitle),
  ];
  const line = rooms.find((one) => one.room === room);
  const open = line && await openRoom(own, store, live, contacts, line, limit);
  return { own, name, session: live.session, note: live.note, requests, rooms, open };
}

async function openRoom(
  own: PeerId,
  store: ChatStore,
  live: Live,
  contacts: Contact[],
  line: RoomLine,
  limit: number,
): Promise<OpenRoom> {
  const entries = await store.entries(line.room, limit + 1);
  const shown = entries.slice(-limit).filter(isSaid);
  const names = Object.fromEntries([
    ...shown.filter(({ author }) => author).map(({ from, author }) => [from, author!]),
    ...contacts.filter(({ name }) => name !== "").map(({ peer, name }) => [peer, name]),
  ]);
  const known = contacts.map(({ peer }) => peer);
  const to = line.peer ? [line.peer] : (live.groups[line.room.slice(1)] ?? []).filter((peer) => peer !== own);
  const progress = Object.fromEntries(
    shown.filter(({ id }) => id in live.progress).map(({ id }) => [id, live.progress[id]!]),
  );
  const sight = line.peer && live.sights[line.peer];
  return { line, sight, entries: shown, more: entries.length > limit, names, known, to, progress };
}

function contactLine({ peer, name, state }: Contact, live: Live, unseen: Map<string, number>): RoomLine {
  const online = live.sights[peer]?.online ?? false;
  return { room: peer, title: name || brief(peer), peer, state, online, unseen: unseen.get(peer) ?? 0 };
}

function groupLine(group: string, members: PeerId[], unseen: Map<string, number>): RoomLine {
  const room = `#${group}`;
  return {
    room,
    title: group,
    state: "group",
    online: true,
    unseen: unseen.get(room) ?? 0,
    members: members.length,
  };
}

function byTitle(a: RoomLine, b: RoomLine): number {
  return a.title.localeCompare(b.title) || a.room.localeCompare(b.room);
}

/** The first letters of an id: enough to tell people apart, not enough to trust. */
export function brief(peer: PeerId): string {
  return `${peer.slice(0, 4)} ${peer.slice(4, 8)}`;
}
