/**
 * Certificates in files that something else renews (certbot, cert-manager, a mounted secret), on
 * Bun, Deno and Node.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { getLogger } from "@logtape/logtape";
import type { Certificate, Certificates } from "../src/rendezvous/certificates.ts";
import { type Clock, systemClock } from "../src/session/clock.ts";

/**
 * Milliseconds between two looks. Files are read, not watched: what a renewal changes is often a link
 * above them (certbot's `live/`, the `..data` of a Kubernetes volume), of which a watch hears nothing.
 */
const LOOK = 2_000;

const log = getLogger(["waymeet", "tls"]);

/** A chain and its key, followed from the first reading to {@link CertificateFiles.close}. */
export class CertificateFiles implements Certificates {
  readonly #paths: { cert: string; key: string };
  readonly #clock: Clock;
  readonly #listeners: Set<(certificate: Certificate) => void> = new Set();
  #current: Certificate;
  /** What was found and is of no use, so that it is said once. */
  #refused: Certificate | undefined;
  #stop: (() => void) | undefined;

  private constructor(paths: { cert: string; key: string }, current: Certificate, clock: Clock) {
    this.#paths = paths;
    this.#current = current;
    this.#clock = clock;
    this.#wait();
  }

  /**
   * Reads both files and follows them.
   *
   * @throws {TypeError} when they hold no certificate and the key that belongs to it.
   * @throws {Error} of the system, when one cannot be read.
   *
   * @example
   * ```ts
   * const tls = await CertificateFiles.open("fullchain.pem", "privkey.pem");
   * await using node = await serve({ port: 8443, tls });
   * ```
   */
  static async open(cert: string, key: string, clock: Clock = systemClock): Promise<CertificateFiles> {
    const first = await read({ cert, key });
    const obstacle = obstacleOf(first);
    if (obstacle !== undefined) throw new TypeError(`${cert} and ${key}: ${obstacle}`);
    return new CertificateFiles({ cert, key }, first, clock);
  }

  get current(): Certificate {
    return this.#current;
  }

  onRenewed(renewed: (certificate: Certificate) => void): () => void {
    this.#listeners.add(renewed);
    return () => void this.#listeners.delete(renewed);
  }

  /** Looks no more. */
  close(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #wait(): void {
    this.#stop = this.#clock.after(LOOK, () => {
      void this.#look().then(() => this.#stop && this.#wait());
    });
  }

  async #look(): Promise<void> {
    const found = await read(this.#paths).catch(() => undefined); // between two names of one file
    if (found === undefined || same(found, this.#current) || same(found, this.#refused)) return;
    const obstacle = obstacleOf(found);
    if (obstacle === undefined) return this.#renew(found);
    this.#refused = found;
    log.warn("the renewed {cert} is not used, the one before stays: {obstacle}", {
      ...this.#paths,
      obstacle,
    });
  }

  #renew(found: Certificate): void {
    this.#current = found;
    this.#refused = undefined;
    log.info("certificate {cert} renewed, good until {until}", {
      cert: this.#paths.cert,
      until: new X509Certificate(found.cert).validTo,
    });
    for (const listener of [...this.#listeners]) listener(found);
  }
}

async function read({ cert, key }: { cert: string; key: string }): Promise<Certificate> {
  return { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
}

function same(a: Certificate, b: Certificate | undefined): boolean {
  return a.cert === b?.cert && a.key === b.key;
}

/** Why a pair is none: read in the middle of a renewal, or somebody's mistake. */
function obstacleOf({ cert, key }: Certificate): string | undefined {
  try {
    const fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
    return fits ? undefined : "the key is not the certificate's";
  } catch (error) {
    return `not PEM of a certificate and of a key without password (${(error as Error).message})`;
  }
}
