/** The less loaded of two taken at random: nearly as even as the least loaded of all, and no herd runs to one. */
export function lessLoaded<T>(
  all: readonly T[],
  loadOf: (one: T) => number,
  random: () => number = Math.random,
): T | undefined {
  if (all.length < 2) return all[0];
  const at = Math.floor(random() * all.length);
  const other = (at + 1 + Math.floor(random() * (all.length - 1))) % all.length;
  const [one, two] = [all[at]!, all[other]!];
  return loadOf(one) <= loadOf(two) ? one : two;
}
