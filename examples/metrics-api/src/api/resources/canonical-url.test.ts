import { expect, test } from "vitest";
import { canonicalUrl, canonicalUrls } from "./canonical-url.ts";

test("parameters in any order, and sets in any spelling, have one form", () => {
  const form = canonicalUrl("/m?tags=b,a&fields=name,id,name&page=2");
  expect(canonicalUrl("/m?page=2&fields=id,%20name&tags=a%2Cb")).toBe(form);
  expect(canonicalUrl("/m?page=3&fields=id,name&tags=a,b")).not.toBe(form);
});

test("repeated parameters keep their order, and no value can pass for two", () => {
  expect(canonicalUrl("/m?q=b&q=a")).not.toBe(canonicalUrl("/m?q=a&q=b"));
  expect(canonicalUrl("/m?q=a%26p%3Db")).not.toBe(canonicalUrl("/m?q=a&p=b"));
  expect(canonicalUrl("/m?")).not.toBe(canonicalUrl("/m"));
});

test("an address that is too long has no form", () => {
  expect(canonicalUrls()(`/m?q=${"x".repeat(3_000)}`)).toBeUndefined();
});
