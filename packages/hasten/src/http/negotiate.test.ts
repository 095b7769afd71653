import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ACCEPT_ENCODING_LENGTH_MAX,
  type Coding,
  createNegotiator,
  type Negotiated,
  negotiateCoding,
} from "./negotiate.ts";

test.each<[string | undefined, Negotiated]>([
  [undefined, "identity"],
  ["", "identity"],
  ["gzip", "gzip"],
  ["GZIP", "gzip"],
  ["x-gzip", "gzip"],
  ["gzip, deflate, br, zstd", "zstd"],
  ["gzip, deflate, br", "br"],
  ["deflate", "deflate"],
  ["*", "zstd"],
  ["*;q=0.5, gzip", "gzip"],
  ["zstd;q=0, *", "br"],
  ["gzip;q=0", "identity"],
  ["gzip;q=0.000", "identity"],
  ["br;q=0.2, gzip;q=0.8", "gzip"],
  ["br ; q=0.2 , gzip ; Q=0.8", "gzip"],
  ["gzip;q=0.5, identity", "identity"],
  ["gzip;q=0.5, identity;q=0.5", "gzip"],
  ["gzip;q=0.001", "gzip"],
  ["identity;q=0", "none"],
  ["*;q=0", "none"],
  ["identity;q=0, gzip", "gzip"],
  ["*;q=0, identity", "identity"],
  ["compress", "identity"],
  ["compress, *;q=0", "none"],
  ["gzip;q=2", "identity"],
  ["gzip;q=0.1234", "identity"],
  ["gzip;level=9", "identity"],
  ["br, br;q=0", "identity"],
  [",,gzip,", "gzip"],
])("%j gets %s", (field, expected) => {
  expect(negotiateCoding(field)).toBe(expected);
});

test("the server's order breaks ties, and what it does not offer is not sent", () => {
  expect(negotiateCoding("gzip, br, zstd", ["br", "gzip"])).toBe("br");
  expect(negotiateCoding("zstd", ["br", "gzip"])).toBe("identity");
});

test("an overlong field gets identity and is not remembered", () => {
  const negotiate = createNegotiator();
  expect(negotiate(`gzip,${" ".repeat(ACCEPT_ENCODING_LENGTH_MAX)}`)).toBe("identity");
});

test("a remembering negotiator answers as a fresh one does, also after its memory was emptied", () => {
  const negotiate = createNegotiator();
  for (let at = 0; at < 1000; at++) expect(negotiate(`br;q=0.5, x${at}`)).toBe("br");
  expect(negotiate("gzip")).toBe("gzip");
  expect(negotiate("gzip")).toBe("gzip");
});

const part = fc.constantFrom(
  ..."gzip|br|zstd|deflate|identity|*|compress|;q=0|;q=1|;q=0.5|, |,| |;|=|x".split("|"),
);
const field = fc.oneof(
  fc.array(part, { maxLength: 20 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary" }),
);

test("no field throws, and nothing refused by a clean q=0 element is ever chosen", () => {
  const codings: Coding[] = ["zstd", "br", "gzip", "deflate", "identity"];
  fc.assert(
    fc.property(field, fc.constantFrom(...codings), (text, refused) => {
      expect(negotiateCoding(`${text}, ${refused};q=0`)).not.toBe(refused);
    }),
    { numRuns: 3000 },
  );
});
