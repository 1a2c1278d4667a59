/**
 * Keys of the vectors of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (SSR 2020, table 5),
 * hex, each with its place among the points.
 */
export const SPECCHECK_KEYS: readonly { cases: string; key: string; flaw: RegExp | undefined }[] = [
  {
    cases: "0, 1",
    key: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    flaw: /small order/,
  },
  {
    cases: "2, 8, 9",
    key: "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    flaw: /prime-order subgroup/,
  },
  {
    cases: "3, 4, 5",
    key: "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    flaw: /prime-order subgroup/,
  },
  {
    cases: "6, 7",
    key: "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
    flaw: undefined,
  },
  {
    cases: "10, 11",
    key: "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    flaw: /small order/,
  },
];

/** Case 4: of a key of mixed order, valid for verifiers with the cofactor (8SB = 8R + 8kA) alone. */
export const DISPUTED = {
  message: "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
  key: "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
  signature:
    "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
};
