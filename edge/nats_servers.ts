/** Which servers of NATS, and as whom. */

/** Where NATS is and what it asks of this node. */
export interface NatsOptions {
  /**
   * `nats://host:port`, `nats://user:password@host:port`, `nats://token@host:port`, or `tls://…`; the other
   * servers of a cluster are learned from any of them.
   */
  servers: readonly string[];
  /** The network of the node, as in its own options. Default: "default". */
  network?: string;
  /** The text of a creds file, as `nsc generate creds` makes it. */
  creds?: string;
  /** The seed of an nkey: `SU…`. */
  nkey?: string;
  /** Paths of PEM files. With a CA, or a certificate of this node, all connections are TLS. */
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  /** What operators of NATS see of this connection. Default: "waymeet". */
  name?: string;
}

/** What the URLs say. */
export interface NatsServers {
  /** `host:port`, each once. */
  readonly hosts: readonly string[];
  readonly secure: boolean;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

const EXAMPLE = "nats://host:4222 or nats://user:password@host:4222";

/** @throws {TypeError} naming what is no URL of NATS. */
export function readServers(urls: readonly string[]): NatsServers {
  if (urls.length === 0) throw new TypeError(`name at least one server of NATS: ${EXAMPLE}`);
  const read = urls.map(readServer);
  const credentials = read.find(({ username }) => username !== "");
  return {
    hosts: [...new Set(read.map(({ hostname, port }) => `${hostname}:${port || "4222"}`))],
    secure: read.some(({ protocol }) => protocol === "tls:"),
    ...credentials ? identification(credentials) : {},
  };
}

function readServer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === "nats:" || url.protocol === "tls:") && url.hostname !== "") return url;
  throw new TypeError(`a server of NATS is ${EXAMPLE}, not ${withoutSecret(text)}`);
}

function identification({ username, password }: URL): Pick<NatsServers, "user" | "pass" | "token"> {
  const user = decodeURIComponent(username);
  return password === "" ? { token: user } : { user, pass: decodeURIComponent(password) };
}

/** What stands before an @ is for nobody's eyes. */
function withoutSecret(text: string): string {
  return text.replace(/\/\/[^/]*@/, "//…@");
}
