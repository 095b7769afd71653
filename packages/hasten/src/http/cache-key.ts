/**
 * Joins key components injectively: different lists never give the same key, whatever characters
 * they contain, since each component carries its length. Absent differs from empty.
 */
export function joinKey(components: readonly (string | undefined)[]): string {
  let key = "";
  for (const component of components) {
    key += component === undefined ? "-" : `${component.length}:${component}`;
  }
  return key;
}
