/** The same list in random order (Fisher and Yates), in place. */
export function shuffle<T>(list: T[], random: () => number): T[] {
  for (let i = list.length - 1; i > 0; i--) swap(list, i, Math.floor(random() * (i + 1)));
  return list;
}

/** Up to `count` of the list, each equally likely; reorders it. */
export function take<T>(list: T[], count: number, random: () => number): T[] {
  const taken = Math.min(count, list.length);
  for (let i = 0; i < taken; i++) swap(list, i, i + Math.floor(random() * (list.length - i)));
  return list.slice(0, taken);
}

function swap<T>(list: T[], i: number, j: number): void {
  [list[i], list[j]] = [list[j]!, list[i]!];
}
