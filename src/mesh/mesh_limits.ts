/** Every limit and interval of the mesh, each with its unit and its reason. */
import { MAX_ORIGINS } from "../wire/limits.ts";

/**
 * Members one node knows beside itself, dead ones included: gossip serves tens of nodes, far more is a
 * flood. Each has a point in digests of presence, or its peers would be found nowhere.
 */
export const MAX_KNOWN: number = MAX_ORIGINS - 1;
/** Nodes that others speak of and nobody proved; one session that introduces more than that in a window is a flood. */
export const MAX_HEARSAY = 1_024;
/** Forgotten nodes whose death is still remembered, so that old gossip does not bring them back. */
export const MAX_GRAVES = 1_024;
/** Bytes of one `members` frame, estimated: `MAX_CONTROL` less the head, with room. */
export const MAX_CLAIM_BYTES = 15_000;
/** URLs a node may name: one a family of addresses, twice. */
export const MAX_URLS = 4;
/** Unknown nodes one session may introduce per window. Past it they are refused; a later sync brings the honest ones. */
export const MAX_INTRODUCED = 256;
/** Milliseconds. */
export const INTRODUCTION_WINDOW = 10_000;
/** Milliseconds for which a node that nobody proves is remembered after it was last spoken of: three full exchanges. */
export const HEARSAY_LIFETIME = 30_000;
/** Highest epoch that is believed: every epoch above it is still an exact integer. */
export const MAX_EPOCH: number = 2 ** 52;
/** Highest incarnation: a node accused at it takes a new epoch instead. */
export const MAX_INCARNATION: number = 2 ** 31;

/** Milliseconds of one probing period (SWIM's T'). */
export const PROBE_INTERVAL = 1_000;
/** Milliseconds the direct probe has, and then the indirect ones: a trip around the earth takes under 400. */
export const PROBE_TIMEOUT = 500;
/** Others that are asked to probe in vain-looking cases (SWIM's k): with 10 % loss three all fail in 0.1 % of cases. */
export const PROBE_HELPERS = 3;
/** Probes under way for others; a node is asked by few at a time. */
export const MAX_RELAYED = 256;
/** Askers that wait for one answer. */
export const MAX_ASKERS = 16;
/** Milliseconds a suspect has to refute: several trips through the mesh. */
export const SUSPICION = 3_000;
/** A node without a session, that knew several others, doubts itself first: suspicion takes so many times as long. */
export const ALONE_PATIENCE = 5;
/** Milliseconds between refutations: accusations by a hostile node do not become a flood of mine. */
export const REFUTE_PAUSE = 500;
/** Milliseconds after which a dead node is no longer listed or dialled. */
export const FORGET = 600_000;
/** Milliseconds its death is remembered after that: longer than any gossip about it stays anywhere. */
export const GRAVE_LIFETIME = 3_600_000;
/** Milliseconds between full exchanges with one random neighbour, for what a full queue dropped. */
export const SYNC_INTERVAL = 10_000;

/** Sessions a node keeps with others unless told otherwise (`--mesh-target`). */
export const MESH_TARGET = 8;
/** Milliseconds: first and longest pause before a node that could not be dialled is tried again. */
export const REDIAL_FIRST = 500;
export const REDIAL_LONGEST = 30_000;
/** Milliseconds each dead node gets in turn to be dialled: halves of a mesh find each other when they can. */
export const RETURN_SLOT = 2_000;
/** Milliseconds within which two sessions of one pair count as dialled at the same time: one handshake step. */
export const SIMULTANEOUS = 5_000;

/** URLs taken of one source other than the operator's list. */
export const MAX_PLACES = 64;
/** Of these, dialled at once. */
export const MAX_PLACES_AT_ONCE = 4;
/** Milliseconds: longest pause before such a URL is tried again; it may be gone for good. */
export const PLACE_LONGEST = 60_000;
/** Nodes remembered from earlier sessions, and for how many milliseconds: a fortnight. */
export const MAX_REMEMBERED = 32;
export const REMEMBER = 1_209_600_000;
/** Milliseconds between two questions to the domain name system, and while no node is joined. */
export const DNS_INTERVAL = 60_000;
export const DNS_ALONE = 10_000;
/** Milliseconds: first and longest pause after a question that failed. */
export const DNS_RETRY_FIRST = 5_000;
export const DNS_RETRY_LONGEST = 300_000;
/** Milliseconds an answer may take: a resolver's own tries end before. */
export const DNS_DEADLINE = 15_000;
