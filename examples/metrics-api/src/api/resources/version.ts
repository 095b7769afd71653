import { invalidParameters, preconditionFailed } from "../http/problem.ts";

/**
 * Entity tags of single documents: `"v7"` is version 7. The response cache appends the content
 * coding (`"v7-gzip"`), which names the same version, so either form is accepted in `If-Match`.
 */
export const versionEtag = (version: number): string => `"v${version}"`;

const VERSION_TAG = /^"v(\d{1,10})(?:-[a-z]+)?"$/;

/** The versions an `If-Match` field accepts (RFC 9110 §13.1.1); undefined accepts any. */
export function acceptedVersions(ifMatch: string | undefined): readonly number[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === "*") return undefined;
  const versions: number[] = [];
  for (const tag of ifMatch.split(",")) {
    const version = VERSION_TAG.exec(tag.trim())?.[1];
    if (version !== undefined) versions.push(Number(version));
    else if (!/^(W\/)?"[^"]*"$/.test(tag.trim())) {
      const message = 'must be "*" or a list of entity tags such as "v7"';
      throw invalidParameters([{ field: "If-Match", message }]);
    }
  }
  return versions;
}

/** @throws a 412 problem when the stored version is not one of the accepted. */
export function requireVersion(accepted: readonly number[] | undefined, version: number): void {
  if (accepted !== undefined && !accepted.includes(version)) throw preconditionFailed(version);
}
