/**
 * Web links (RFC 8288).
 *
 * Invariant: a target is built from the caller's own path, never from Host or a forwarded host, and
 * cannot leave the site: `//other` becomes `/other`, and what could end the target is encoded.
 */

export interface Link {
  /** Target URI reference. */
  readonly href: string;
  /** Relation type, for example "next". */
  readonly rel: string;
}

/** The Link field of several links; undefined when there are none. */
export function formatLinks(links: readonly Link[]): string | undefined {
  if (links.length === 0) return undefined;
  return links.map(({ href, rel }) => `<${encodeTarget(href)}>; rel="${relation(rel)}"`).join(", ");
}

/** Parameters to replace; undefined removes one. */
export type QueryChanges = Readonly<Record<string, string | number | undefined>>;

/**
 * A path-form target: `path` with the raw query (without "?"), in which `changes` replace every
 * occurrence of their names. Other parameters keep their place, order and spelling.
 */
export function linkTarget(path: string, rawQuery: string, changes: QueryChanges): string {
  const kept = rawQuery.split("&").filter((part) => part !== "" && !isChanged(part, changes));
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) continue;
    kept.push(
      `${encodeURIComponent(wellFormed(name))}=${encodeURIComponent(wellFormed(String(value)))}`,
    );
  }
  const query = kept.length === 0 ? "" : `?${kept.join("&")}`;
  return `${sitePath(path)}${query}`;
}

function isChanged(part: string, changes: QueryChanges): boolean {
  const name = part.split("=", 1)[0] ?? "";
  return Object.hasOwn(changes, decoded(name));
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}

/** One leading slash: `//host` and `/\host` would name another site. */
function sitePath(path: string): string {
  return `/${path.replace(/^[/\\]+/, "").replace(/[?#].*$/s, "")}`;
}

/** RFC 3986 §2: what is not a URI character is percent-encoded, so `>` cannot end the target. */
function encodeTarget(href: string): string {
  return wellFormed(href).replace(/[^!#$%&'()*+,\-./0-9:;=?@A-Z[\]_a-z~]/gu, encodeURIComponent);
}

function relation(rel: string): string {
  return rel.replace(/[^ -~]|["\\]/g, "");
}

/** A lone surrogate has no UTF-8 form and would throw. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}
