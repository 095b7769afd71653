import { expect, test } from "vitest";
import { acceptedVersions, requireVersion, versionEtag } from "./version.ts";

test("If-Match accepts the tags of a version in every content coding", () => {
  expect(acceptedVersions(versionEtag(7))).toEqual([7]);
  expect(acceptedVersions('"v7-gzip", "v8-br"')).toEqual([7, 8]);
});

test("no If-Match and * accept any version; weak and foreign tags accept none", () => {
  expect(acceptedVersions(undefined)).toBeUndefined();
  expect(acceptedVersions(" * ")).toBeUndefined();
  expect(acceptedVersions('W/"v7", "abc"')).toEqual([]);
  expect(() => requireVersion([], 7)).toThrow("The stored version is 7");
  expect(() => requireVersion([6, 7], 7)).not.toThrow();
});

test("a malformed If-Match is a problem, not a match", () => {
  expect(() => acceptedVersions("v7")).toThrow("not accepted");
});
