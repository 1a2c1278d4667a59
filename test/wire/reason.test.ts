import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { WaymeetError } from "../../src/wire/error.ts";
import { Reason } from "../../src/wire/protocol.ts";
import {
  clipText,
  closeCode,
  closeReason,
  closeText,
  reasonCode,
  reasonName,
} from "../../src/wire/reason.ts";

describe("reasons", () => {
  it("have names, and unknown ones their number", () => {
    assert.equal(reasonName(Reason.overCapacity), "over-capacity");
    assert.equal(reasonName(Reason.absent), "absent");
    assert.equal(reasonName(999), "reason 999");
  });

  it("are found by what names them", () => {
    for (let code = 0; code <= 999; code++) assert.equal(reasonCode(reasonName(code)), code);
    assert.equal(reasonCode("nonsense"), undefined);
  });

  it("travel as WebSocket close codes and back", () => {
    assert.equal(closeCode(Reason.closed), 1000);
    assert.equal(closeCode(Reason.replaced), 4003);
    for (let reason = 0; reason <= 999; reason++) assert.equal(closeReason(closeCode(reason)), reason);
    for (const code of [1001, 1006, 3999, 5000]) assert.equal(closeReason(code), undefined);
    assert.throws(() => closeCode(1000), RangeError);
  });

  it("texts are cut between letters", () => {
    assert.equal(closeText("é".repeat(100)), "é".repeat(61));
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, max) => {
        const clipped = clipText(text, max);
        assert.ok(new TextEncoder().encode(clipped).length <= max);
        assert.ok(text.includes(clipped));
      }),
    );
  });
});

describe("WaymeetError", () => {
  it("carries its code, its peer and its cause", () => {
    const cause = new TypeError("below");
    const error = new WaymeetError("absent", "nobody there", { peer: "abc", cause });
    assert.ok(error instanceof Error);
    assert.deepEqual([error.name, error.code, error.peer, error.cause], [
      "WaymeetError",
      "absent",
      "abc",
      cause,
    ]);
  });
});
