/** Objects that a process never lets go: what a soak must find. */
interface Left {
  before: Left | undefined;
}

let last: Left | undefined;

/** Leaves so many more behind. */
export function leave(objects: number): void {
  for (let i = 0; i < objects; i++) last = { before: last };
}
