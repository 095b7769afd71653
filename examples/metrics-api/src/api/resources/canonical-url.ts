/** Addresses whose canonical form is remembered; at the limit the oldest is worked out again. */
const REMEMBERED_MAX = 2_000;
const URL_LENGTH_MAX = 2_048;

/** Parameters whose value is a set written as a list: order and repeats do not matter. */
const SETS: ReadonlySet<string> = new Set(["fields", "tags"]);

/**
 * One cache key for every spelling of a request: parameters by name, `fields` and `tags` as sets.
 * Each spelling is worked out once, so that a hit costs one look-up. Longer addresses get none and
 * are not cached.
 */
export function canonicalUrls(): (url: string) => string | undefined {
  const remembered = new Map<string, string>();
  return (url) => {
    const known = remembered.get(url);
    if (known !== undefined) return known;
    if (url.length > URL_LENGTH_MAX) return undefined;
    const canonical = canonicalUrl(url);
    if (remembered.size >= REMEMBERED_MAX) remembered.delete(remembered.keys().next().value!);
    remembered.set(url, canonical);
    return canonical;
  };
}

export function canonicalUrl(url: string): string {
  const mark = url.indexOf("?");
  if (mark === -1) return url;
  const parameters = [...new URLSearchParams(url.slice(mark + 1))].map(
    ([name, value]): [string, string] => [name, SETS.has(name) ? asSet(value) : value],
  );
  parameters.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `${url.slice(0, mark)}?${new URLSearchParams(parameters)}`;
}

const asSet = (value: string): string =>
  [...new Set(value.split(",").map((name) => name.trim()))].sort().join(",");
