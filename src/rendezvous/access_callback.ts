/**
 * Access by the operator's own program: a function, or a URL that is asked.
 *
 * @module
 */
import type { PeerId } from "../identity/peer_id.ts";
import type { Clock } from "../session/clock.ts";
import { clipText } from "../wire/reason.ts";
import { MAX_TEXT } from "../wire/limits.ts";
import { Reason } from "../wire/protocol.ts";
import type { Judgement } from "./judgement.ts";
import { type Quotas, readQuotas } from "./quotas.ts";

/** Who wants a session. The key is proven; the address is what the node sees, the agent the peer's own word. */
export interface Applicant {
  peer: PeerId;
  network: string;
  address: string;
  agent: string;
  /** What the peer passed as `token`, unread. */
  token: string | null;
}

/** `true`: welcome; an object: welcome within these quotas; a text: why not, for the person there; `false`: no. */
export type Ask = (applicant: Applicant, signal: AbortSignal) => Promise<Answer> | Answer;
export type Answer = boolean | string | { quotas: Quotas };

/** Milliseconds in which the operator's program answers: the peer waits at most 5 s for the node's own answer. */
export const ASK_DEADLINE = 2_000;

/** Largest answer of a URL that is read, bytes. */
const MAX_ANSWER = 16_384;

/** Asks; what is thrown, late or no {@link Answer} refuses. */
export async function judgeByCallback(
  ask: Ask,
  { peer, network, address, agent, token, clock }: Applicant & { clock: Clock },
): Promise<Judgement> {
  const abort = new AbortController();
  let stop = () => {};
  const late = new Promise<never>((_resolve, reject) => {
    stop = clock.after(ASK_DEADLINE, () => reject(new Error("late")));
  });
  try {
    const asked = Promise.resolve(ask({ peer, network, address, agent, token }, abort.signal));
    return judgementOf(await Promise.race([asked, late]));
  } catch {
    return { ok: false, reason: Reason.unauthorized, text: NO_ANSWER };
  } finally {
    stop();
    abort.abort();
  }
}

const NO_ANSWER = "this node cannot tell now whether you may come; try again, or ask its operator";

function judgementOf(answer: Answer): Judgement {
  if (answer === true) return { ok: true };
  if (answer === false || typeof answer === "string") {
    const text = clipText(answer || "this node's operator does not admit this peer", MAX_TEXT);
    return { ok: false, reason: Reason.unauthorized, text };
  }
  return { ok: true, quotas: readQuotas(answer.quotas) };
}

/**
 * Asks a URL: `POST` of the applicant as JSON, answered by status 200 and
 * `{"allow": true, "quotas": {…}}` or `{"allow": false, "reason": "…"}`.
 *
 * @throws {TypeError} when it is no `http:` or `https:` URL.
 */
export function askUrl(url: string, send: typeof fetch = fetch): Ask {
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol !== "https:" && protocol !== "http:") {
    throw new TypeError(
      `${JSON.stringify(url)} cannot be asked; write a URL such as https://example.org/may-come`,
    );
  }
  return async (applicant, signal) => {
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    const body = JSON.stringify(applicant);
    const response = await send(url, { method: "POST", headers, body, signal, redirect: "error" });
    if (response.status !== 200) throw new Error(`it answered ${response.status}`);
    const { allow, reason, quotas } = await read(response);
    if (allow !== true) return typeof reason === "string" ? reason : false;
    return quotas === undefined ? true : { quotas: quotas as Quotas };
  };
}

async function read(response: Response): Promise<Record<string, unknown>> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    if (text.length > MAX_ANSWER) throw new Error("it answered at length");
  }
  return Object(JSON.parse(text));
}
