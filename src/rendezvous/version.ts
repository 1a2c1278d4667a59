/** Of this package, as `/v1/info` and `/metrics` tell it; the same as in `package.json`. */
export const VERSION_TEXT = "0.1.0";
