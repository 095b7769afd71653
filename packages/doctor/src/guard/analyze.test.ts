import { expect, test } from "vitest";
import { loadParser } from "../parse/parse.ts";
import { guardAnalyze } from "./analyze.ts";
import type { Lookup } from "./lookup.ts";

/** The parse tree alone must refuse these: the server is not even asked what a name means. */
const unasked: Lookup = new Proxy({} as Lookup, {
  get: () => () => Promise.reject(new Error("the server was asked")),
});

test.for([
  ["select * from t for update", /lock rows/],
  ["select * from (select * from t for no key update) s", /lock rows/],
  ["select * into made from t", /SELECT INTO/],
  ["with x as (delete from t returning *) select * from x", /no SELECT/],
  ["select * from t where id = $1", /parameters/],
  ["select 1; select 2", /not exactly one/],
  ["delete from t", /./],
  ["select * from other.public.t", /another database/],
] as const)("the parse tree alone refuses: %s", async ([text, because]) => {
  const verdict = await guardAnalyze(text, await loadParser(), unasked);
  expect(verdict).toMatchObject({ kind: "refused", because: expect.stringMatching(because) });
});
