import { CipherId } from "../../src/link/ciphers.ts";
import { Epoch } from "../../src/link/epoch.ts";

let made = 0;

/** What a handshake leaves: the initiator's epoch and the responder's, with keys of their own each time. */
export function epochPair(
  {
    createdAt = 0,
    cipher = CipherId.chaChaPoly,
    handshake = Uint8Array.of(0, 0, made >> 8, made & 255, 0, 0, 0, 0),
  }: {
    createdAt?: number;
    cipher?: CipherId;
    handshake?: Uint8Array;
  } = {},
): [Epoch, Epoch] {
  const key = (direction: number) =>
    Uint8Array.from({ length: 32 }, (_, index) => index < 2 ? made >> (8 * index) : direction);
  const hash = new Uint8Array(32);
  const initiator = { send: key(1), receive: key(2), hash, cipher };
  const responder = { send: key(2), receive: key(1), hash, cipher };
  made++;
  return [
    new Epoch({ handshake, keys: initiator, initiated: true, createdAt }),
    new Epoch({ handshake, keys: responder, initiated: false, createdAt }),
  ];
}
