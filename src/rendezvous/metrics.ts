/**
 * What a node counts: plain numbers, because they are counted on the hot path, and
 * their text for a scrape.
 *
 * @module
 */
import { type Key, Reason } from "../wire/protocol.ts";
import type { StunCounts } from "../stun/server.ts";
import { AttemptMetrics } from "./attempt_metrics.ts";
import { count, type Counts, Durations, Page } from "./exposition.ts";
import type { Refuser } from "./journal.ts";
import type { NodeLimits } from "./node_limits.ts";
import type { FabricStatus, MeshStatus } from "./mesh_status.ts";

/** Upper bounds of the buckets of connection durations, seconds: a failed try to a week. */
const DURATIONS = [1, 10, 60, 600, 3600, 21_600, 86_400, 604_800];

/** What is read at the moment of the scrape. */
export interface Gauges {
  sessions: number;
  handshakes: number;
  watches: number;
  /** Attempts that this node brokers now. */
  attempts: number;
  announcements: number;
  pingsSent: number;
  pongsMatched: number;
  /** Seconds. */
  uptime: number;
  version: string;
  id: string;
  limits?: Readonly<NodeLimits>;
  mesh?: MeshStatus;
  stun?: StunCounts;
}

/** What is counted by the frame, as one part of a node tells another. */
export interface TrafficCounts {
  numbers: Record<(typeof TRAFFIC)[number], number>;
  /** Reason and how often. */
  drops: [number, number][];
  handshakeFailures: [number, number][];
  lookups: [number, number][];
}

const TRAFFIC = [
  "framesIn",
  "bytesIn",
  "framesOut",
  "bytesOut",
  "messagesOut",
  "controlIn",
  "strayFrames",
  "goneNotices",
  "sessionsResumed",
] as const;

export class NodeMetrics {
  /** Told of each refusal as it is counted, and to whom if that is known: nothing is counted that cannot be logged. */
  onRefusal: (refuser: Refuser, reason: Reason | string, who?: Key | string) => void = () => {};
  framesIn = 0;
  bytesIn = 0;
  framesOut = 0;
  bytesOut = 0;
  messagesOut = 0;
  controlIn = 0;
  /** Frames of a kind that only nodes send, from peers. */
  strayFrames = 0;
  sessionsTotal = 0;
  /** Sessions that went on in another life of this process. */
  sessionsResumed = 0;
  goneNotices = 0;
  /** Strangers sent away because memory was short. */
  shed = 0;
  /** Peers told that they send more than they may, each time. */
  throttled = 0;
  recordsKept = 0;
  /** Answers to watchers, and news for them. */
  sightings = 0;
  /** Peers told that other nodes came or left, each time. */
  nodesTold = 0;
  /** Pings of sessions that ended; those of live ones are added at the scrape. */
  pingsEnded = 0;
  pongsEnded = 0;
  readonly #drops: Counts = new Map();
  readonly #handshakeFailures: Counts = new Map();
  readonly #ends: Counts = new Map();
  readonly #lookups: Counts = new Map();
  readonly #watchesRefused: Counts = new Map();
  readonly #recordsRefused = new Map<string, number>();
  readonly #requestsRefused: Counts = new Map();
  readonly #durations = new Durations(DURATIONS);
  readonly attempts: AttemptMetrics = new AttemptMetrics();
  readonly #announcementsRefused: Counts = new Map();

  /** `source`: who sent the frames. */
  dropped(reason: Reason, frames: number, source?: Key): void {
    if (frames === 0) return;
    count(this.#drops, reason, frames);
    this.onRefusal("frame", reason, source);
  }

  /** Data frames that were not delivered, for all reasons. */
  get drops(): number {
    return [...this.#drops.values()].reduce((sum, frames) => sum + frames, 0);
  }

  handshakeFailed(reason: Reason): void {
    count(this.#handshakeFailures, reason, 1);
  }

  /** A lookup had this outcome; that nobody knows the peer is an answer, not a refusal. */
  lookedUp(reason: Reason, asker: Key): void {
    count(this.#lookups, reason, 1);
    if (reason !== Reason.none && reason !== Reason.absent) this.onRefusal("lookup", reason, asker);
  }

  /** A URL asked for a record, before its dialer had proven a key. */
  foretold(known: boolean): void {
    count(this.#lookups, known ? Reason.none : Reason.absent, 1);
  }

  watchesRefused(reason: Reason, watcher: Key): void {
    count(this.#watchesRefused, reason, 1);
    this.onRefusal("watch", reason, watcher);
  }

  announcementRefused(reason: Reason, peer: Key): void {
    count(this.#announcementsRefused, reason, 1);
    this.onRefusal("announcement", reason, peer);
  }

  recordRefused(why: string, peer: Key): void {
    this.#recordsRefused.set(why, (this.#recordsRefused.get(why) ?? 0) + 1);
    this.onRefusal("record", why, peer);
  }

  /** A peer was told that it sends more than it may. */
  throttle(peer: Key): void {
    this.throttled++;
    this.onRefusal("rate", Reason.rateLimited, peer);
  }

  /** A stranger was sent away because memory was short. */
  shedStranger(claimed: string): void {
    this.shed++;
    this.onRefusal("memory", Reason.overCapacity, claimed);
  }

  strayFrame(peer: Key): void {
    this.strayFrames++;
    this.onRefusal("stray-frame", Reason.forbidden, peer);
  }

  attemptFrameRefused(reason: Reason, peer: Key): void {
    this.attempts.stray++;
    this.onRefusal("attempt-frame", reason, peer);
  }

  attemptDenied(reason: Reason, peer: Key): void {
    this.attempts.denied(reason);
    this.onRefusal("attempt", reason, peer);
  }

  /** A request over HTTP was answered with an error. */
  requestRefused(status: number): void {
    count(this.#requestsRefused, status, 1);
    this.onRefusal("request", String(status));
  }

  /** A session ended after that many milliseconds. */
  ended(reason: Reason, milliseconds: number): void {
    count(this.#ends, reason, 1);
    this.#durations.add(milliseconds);
  }

  /** What was counted since the last call, for {@link addTraffic} elsewhere. */
  takeTraffic(): TrafficCounts {
    const numbers = Object.fromEntries(TRAFFIC.map((name) => [name, this[name]])) as TrafficCounts["numbers"];
    for (const name of TRAFFIC) this[name] = 0;
    const take = (counts: Counts): [number, number][] => {
      const taken = [...counts];
      counts.clear();
      return taken;
    };
    const [drops, handshakeFailures] = [take(this.#drops), take(this.#handshakeFailures)];
    return { numbers, drops, handshakeFailures, lookups: take(this.#lookups) };
  }

  addTraffic({ numbers, drops, handshakeFailures, lookups }: TrafficCounts): void {
    for (const name of TRAFFIC) this[name] += numbers[name];
    for (const [reason, times] of drops) count(this.#drops, reason, times);
    for (const [reason, times] of handshakeFailures) count(this.#handshakeFailures, reason, times);
    for (const [reason, times] of lookups) count(this.#lookups, reason, times);
  }

  /** What a scrape gets. */
  expose(now: Gauges): Page {
    const page = new Page();
    page.one("build_info", "gauge", "Version and id of this node.", 1, { version: now.version, id: now.id });
    page.one("uptime_seconds", "gauge", "Seconds since the node began.", now.uptime);
    page.one("sessions", "gauge", "Peers with a session now.", now.sessions);
    page.one("handshakes_pending", "gauge", "Handshakes under way now.", now.handshakes);
    page.one("sessions_total", "counter", "Sessions that were established.", this.sessionsTotal);
    page.one(
      "sessions_resumed_total",
      "counter",
      "Sessions that went on after their process slept.",
      this.sessionsResumed,
    );
    page.byReason(
      "handshake_failures_total",
      "Handshakes that failed or were refused.",
      this.#handshakeFailures,
    );
    page.byReason("session_ends_total", "Sessions that ended.", this.#ends);
    page.one("watches", "gauge", "Pairs of a peer and one that it watches.", now.watches);
    page.one("announcements", "gauge", "Pairs of a peer here and a topic that it is in.", now.announcements);
    page.head("requests_refused_total", "counter", "Requests over HTTP that were answered with an error.");
    for (const [status, value] of this.#requestsRefused) {
      page.sample("requests_refused_total", value, { status: String(status) });
    }
    this.#exposeTraffic(page);
    this.#exposeRecords(page);
    page.one("pings_sent_total", "counter", "Pings sent to peers.", this.pingsEnded + now.pingsSent);
    page.one(
      "pongs_matched_total",
      "counter",
      "Pongs that matched a ping.",
      this.pongsEnded + now.pongsMatched,
    );
    this.#durations.expose(page, "session_duration_seconds", "How long sessions lasted.");
    this.attempts.expose(page, now.attempts);
    if (now.limits) exposeLimits(page, now.limits);
    if (now.mesh) exposeMesh(page, now.mesh);
    if (now.mesh?.fabric) exposeFabric(page, now.mesh.fabric);
    if (now.stun) exposeStun(page, now.stun);
    return page;
  }

  #exposeTraffic(page: Page): void {
    page.one("frames_in_total", "counter", "Data frames received from peers.", this.framesIn);
    page.one("bytes_in_total", "counter", "Bytes of data frames received from peers.", this.bytesIn);
    page.one("frames_relayed_total", "counter", "Data frames sent on to their destination.", this.framesOut);
    page.one("bytes_relayed_total", "counter", "Bytes of data frames sent on.", this.bytesOut);
    page.one(
      "messages_relayed_total",
      "counter",
      "WebSocket messages these frames left in.",
      this.messagesOut,
    );
    page.one(
      "control_frames_in_total",
      "counter",
      "Control frames received after the handshake.",
      this.controlIn,
    );
    page.one("stray_frames_total", "counter", "Frames ignored: not for a peer to send.", this.strayFrames);
    page.byReason("frames_dropped_total", "Data frames that were not delivered.", this.#drops);
    page.one("shed_total", "counter", "Strangers sent away because memory was short.", this.shed);
    page.one("throttled_total", "counter", "Peers told that they send too much, each time.", this.throttled);
    page.one("gone_notices_total", "counter", "Peers told that a correspondent left.", this.goneNotices);
  }

  #exposeRecords(page: Page): void {
    page.byReason("lookups_total", "Lookups by outcome; none: found.", this.#lookups);
    page.one("records_kept_total", "counter", "Records verified and kept.", this.recordsKept);
    page.head("records_refused_total", "counter", "Records that were not kept.");
    for (const [reason, value] of this.#recordsRefused) {
      page.sample("records_refused_total", value, { reason });
    }
    page.one("sightings_total", "counter", "Watchers told where a peer is.", this.sightings);
    page.one("nodes_told_total", "counter", "Peers told that the other nodes changed.", this.nodesTold);
    page.byReason(
      "announcements_refused_total",
      "Announcements of peers in topics that were not taken.",
      this.#announcementsRefused,
    );
    page.byReason("watches_refused_total", "Peers that somebody may not watch.", this.#watchesRefused);
  }
}

function exposeLimits(page: Page, limits: Readonly<NodeLimits>): void {
  page.head("limit", "gauge", "What this node grants: its limits by name.");
  for (const [name, value] of Object.entries(limits)) page.sample("limit", value, { name });
}

function exposeMesh(page: Page, { members, presence, forwarded, discovery, refusals }: MeshStatus): void {
  page.head("mesh_members", "gauge", "Other nodes of the network, by what is believed of them.");
  for (const state of ["alive", "suspect", "dead", "left"]) {
    page.sample("mesh_members", members.filter((member) => member.state === state).length, { state });
  }
  const sessions = members.filter(({ session }) => session !== undefined).length;
  page.one("mesh_sessions", "gauge", "Sessions with other nodes.", sessions);
  page.one("mesh_presence_peers", "gauge", "Peers known to be at some node.", presence.peers);
  page.one("mesh_frames_in_total", "counter", "Forward frames from other nodes.", forwarded.framesIn);
  page.one("mesh_frames_out_total", "counter", "Forward frames to other nodes.", forwarded.framesOut);
  page.one("mesh_bytes_out_total", "counter", "Bytes of forward frames to other nodes.", forwarded.bytesOut);
  if (discovery.dns) {
    page.one(
      "mesh_dns_questions_total",
      "counter",
      "Questions for nodes to a name server.",
      discovery.dns.asked,
    );
    page.one("mesh_dns_failures_total", "counter", "Those without an answer.", discovery.dns.failed);
    page.one("mesh_dns_found", "gauge", "URLs that the last answer named.", discovery.dns.found);
  }
  page.head("mesh_refusals_total", "counter", "What was not accepted of other nodes.");
  for (const [reason, value] of Object.entries(refusals)) {
    page.sample("mesh_refusals_total", value, { reason });
  }
}

function exposeFabric(page: Page, fabric: FabricStatus): void {
  const { connected, server, reconnections, pending, questions, answers, drops } = fabric;
  const { messagesIn, messagesOut, bytesIn, bytesOut } = fabric;
  const labels = { kind: fabric.kind, server: server ?? "" };
  page.one("fabric_connected", "gauge", "Whether NATS joins this node now.", connected ? 1 : 0, labels);
  page.one("fabric_reconnections_total", "counter", "Connections to NATS after the first.", reconnections);
  page.one("fabric_pending_bytes", "gauge", "Bytes that NATS has not confirmed.", pending);
  page.one("fabric_messages_in_total", "counter", "Messages from NATS.", messagesIn);
  page.one("fabric_bytes_in_total", "counter", "Bytes of these messages.", bytesIn);
  page.one("fabric_messages_out_total", "counter", "Messages given to NATS.", messagesOut);
  page.one("fabric_bytes_out_total", "counter", "Bytes of these messages.", bytesOut);
  page.one("fabric_questions_total", "counter", "Questions for records that are not known here.", questions);
  page.one("fabric_answers_total", "counter", "Those that found one.", answers);
  page.head("fabric_drops_total", "counter", "Messages that were not given to NATS.");
  for (const [reason, value] of Object.entries(drops)) page.sample("fabric_drops_total", value, { reason });
}

function exposeStun(page: Page, counts: StunCounts): void {
  page.one("stun_datagrams_total", "counter", "Datagrams at the STUN ports.", counts.datagrams);
  page.one("stun_bytes_in_total", "counter", "Bytes of these datagrams.", counts.bytesIn);
  page.one("stun_bytes_out_total", "counter", "Bytes of STUN answers.", counts.bytesOut);
  page.head("stun_answers_total", "counter", "STUN answers by outcome.");
  for (const [outcome, value] of Object.entries(counts.answers)) {
    page.sample("stun_answers_total", value, { outcome });
  }
  page.head("stun_drops_total", "counter", "Datagrams without an answer, by reason.");
  for (const [reason, value] of Object.entries(counts.drops)) {
    page.sample("stun_drops_total", value, { reason });
  }
  page.one(
    "stun_send_errors_total",
    "counter",
    "STUN answers that the system did not take.",
    counts.sendErrors,
  );
}
