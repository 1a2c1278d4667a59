/**
 * Whether two secrets are equal, in a time that depends on their lengths alone: whoever may guess and take
 * the time learns nothing of where the guess went wrong.
 */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
