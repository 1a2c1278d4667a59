/** Limits and deadlines of paths, each with its unit and its reason. */

/** Milliseconds between challenges of a candidate: it is new, so a few lost packets should not delay it much. */
export const CANDIDATE_INTERVAL = 100;
/** Milliseconds a candidate has for its first answer: ICE has done its part, this is one round trip. */
export const CANDIDATE_PATIENCE = 5_000;
/** Milliseconds between challenges of the path in use while something is under way: three fit before it counts as dead. */
export const ACTIVE_INTERVAL = 150;
/** Milliseconds for which a path counts as active after something was under way. */
export const ACTIVE_FOR = 2_000;
/** Milliseconds between challenges of an idle path: keeps NAT mappings, of which the shortest live 15 s or so. */
export const IDLE_INTERVAL = 5_000;
/** Milliseconds between challenges of the relay beneath another path, so that its round trip is known. */
export const WARM_INTERVAL = 15_000;
/** Milliseconds without any answer after which a path is dead, or three round trips: with what follows below a second. */
export const DEAD_AFTER = 400;
/** Milliseconds a dead path goes on being challenged before it is closed: a mapping may come back. */
export const DOUBTFUL_FOR = 15_000;
/** Milliseconds that this process itself must have slept for its silence to count as nobody's. */
export const SLEPT = 250;

/** Milliseconds that a path which died must answer before it is used again; doubles each time, to {@link HOLD_MAX}. */
export const HOLD_MIN = 2_000;
export const HOLD_MAX = 300_000;
/** Milliseconds in use after which what happened before is forgotten. */
export const STEADY = 60_000;
/** Milliseconds between tries to find a direct path; doubles each time, to {@link ATTEMPT_MAX}. */
export const ATTEMPT_MIN = 60_000;
export const ATTEMPT_MAX = 900_000;
/** Milliseconds by which the side that greeted waits: both would ask at once otherwise. */
export const ATTEMPT_SECOND = 2_000;

/** Milliseconds over which what a path carries is judged. */
export const WINDOW = 1_000;
/** Longest such window, milliseconds, when little is sent. */
export const WINDOW_LONG = 30_000;
/** Frames that must have left in it for its loss to mean something: one in a hundred. */
export const WINDOW_FRAMES = 100;
/** Share of lost frames from which a path is compared with the relay: there TCP has a third of its speed (RFC 5348 §3.1). */
export const LOSSY = 0.01;
/** A direct path whose round trip is that many times the relay's is compared with it, too. */
export const SLOW = 3;
/** Milliseconds of round trip above the relay's that are nobody's concern. */
export const SLOW_MARGIN = 100;
/** The relay must carry that many times as much to be worth the way through it. */
export const BETTER = 1.25;
/** Milliseconds for which the relay is tried when the two are compared. */
export const TRIAL = 2_000;
/** Milliseconds after which a path left for its quality, or one that stood the comparison, is compared again; doubles, to {@link HOLD_MAX}. */
export const TRIAL_AGAIN = 60_000;
