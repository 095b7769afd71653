import { readFileSync } from "node:fs";

/** Of this package, for example "1.2.0". */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const read: unknown = JSON.parse(text);
  const version = typeof read === "object" && read !== null && "version" in read && read.version;
  return typeof version === "string" ? version : "unknown";
}
