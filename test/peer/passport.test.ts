import assert from "node:assert/strict";
import { it } from "node:test";
import { generateIdentity } from "../../src/identity/identity.ts";
import { OWN_CIPHERS } from "../../src/link/ciphers.ts";
import { secureRandom } from "../../src/link/dh.ts";
import { Passport } from "../../src/peer/passport.ts";
import { VirtualClock } from "../session/virtual_clock.ts";

it("a peer's links offer the ciphers that its runtime has", async () => {
  const passport = new Passport(await generateIdentity(), "default", new VirtualClock(), secureRandom);
  assert.equal(passport.local(secureRandom).ciphers, OWN_CIPHERS);
});
