/** A certificate chain and the private key of its first certificate, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Where the certificate of a listener comes from, and those that replace it. */
export interface Certificates {
  readonly current: Certificate;
  /**
   * Calls `renewed` with each certificate that follows; the pair MUST fit together. Returns what ends
   * it. A listener answers with it from its next connection on, and leaves those that it has alone.
   */
  onRenewed(renewed: (certificate: Certificate) => void): () => void;
}
