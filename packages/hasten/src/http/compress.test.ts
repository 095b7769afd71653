import { once } from "node:events";
import zlib from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type CompressedCoding,
  compress,
  compressSync,
  createCompressor,
  SUPPORTED_CODINGS,
} from "./compress.ts";

const DECODERS: Readonly<Record<CompressedCoding, (bytes: Uint8Array) => Buffer>> = {
  zstd: zlib.zstdDecompressSync,
  br: zlib.brotliDecompressSync,
  gzip: zlib.gunzipSync,
  deflate: zlib.inflateSync,
};

/** A list response of an API: repeated names, values that do not repeat. */
const json = (rows: number): Buffer => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const row = (_: unknown, id: number): object => ({
    id,
    name: `metric ${random(9_999).toString(36)} of host ${random(50)}`,
    value: random(1_000_000) / 1_000,
    updatedAt: new Date(1_767_225_600_000 + random(2 ** 31)).toISOString(),
    tags: [["cpu", "disk", "net"][random(3)], ["eu", "us"][random(2)]],
  });
  return Buffer.from(JSON.stringify(Array.from({ length: rows }, row)));
};

test("this Node produces all four codings", () => {
  expect(SUPPORTED_CODINGS).toEqual(["zstd", "br", "gzip", "deflate"]);
});

test.each(SUPPORTED_CODINGS)(
  "%s round-trips small and large bodies at both efforts",
  async (coding) => {
    for (const body of [Buffer.alloc(0), json(5), json(2_000)]) {
      for (const effort of ["fast", "best"] as const) {
        const packed = await compress(body, coding, { effort });
        expect(DECODERS[coding](packed).equals(body)).toBe(true);
      }
      expect(DECODERS[coding](compressSync(body, coding)).equals(body)).toBe(true);
    }
  },
);

test.each(SUPPORTED_CODINGS)(
  "%s makes list JSON at least 60 percent smaller, best smaller yet",
  async (coding) => {
    const body = json(200);
    const fast = await compress(body, coding);
    const best = await compress(body, coding, { effort: "best" });
    expect(fast.byteLength).toBeLessThan(body.byteLength * 0.4);
    expect(best.byteLength).toBeLessThanOrEqual(fast.byteLength);
  },
);

// @fastify/compress 9.2 hands gzip's options to zstd, so that the level is ignored.
test("every coding obeys its own level", async () => {
  const body = json(2_000);
  const bytes = async (
    coding: CompressedCoding,
    options: Parameters<typeof compress>[2],
  ): Promise<number> => (await compress(body, coding, options)).byteLength;
  expect(await bytes("zstd", { zstd: { level: 19 } })).toBeLessThan(
    await bytes("zstd", { zstd: { level: 1 } }),
  );
  expect(await bytes("br", { br: { quality: 11 } })).toBeLessThan(
    await bytes("br", { br: { quality: 1 } }),
  );
  expect(await bytes("gzip", { gzip: { level: 9 } })).toBeLessThan(
    await bytes("gzip", { gzip: { level: 1 } }),
  );
  expect(await bytes("deflate", { deflate: { level: 9 } })).toBeLessThan(
    await bytes("deflate", { deflate: { level: 0 } }),
  );
  expect(await bytes("zstd", { gzip: { level: 1 } })).toBe(await bytes("zstd", {}));
});

test("identity gives the same bytes", async () => {
  const body = json(5);
  expect(await compress(body, "identity")).toBe(body);
});

test("a large body leaves the event loop free", async () => {
  const body = json(20_000);
  let turns = 0;
  let running = true;
  const spin = (): void => {
    turns += 1;
    if (running) setImmediate(spin);
  };
  setImmediate(spin);
  await compress(body, "br");
  running = false;
  expect(turns).toBeGreaterThan(3);
});

test.each([
  { zstd: { level: 20 } },
  { zstd: { level: 0 } },
  { br: { quality: 12 } },
  { gzip: { level: -1 } },
  { deflate: { level: 1.5 } },
  { syncBytesMax: -1 },
  { gzip: { level: Number.NaN } },
])("%j is refused with its bounds", async (options) => {
  await expect(compress(json(1), "gzip", options)).rejects.toMatchObject({
    code: "HST_HTTP_OPTION",
  });
});

test.each(SUPPORTED_CODINGS)(
  "a %s stream gives bytes on flush and the rest at its end",
  async (coding) => {
    const stream = createCompressor(coding);
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.write("first");
    await new Promise<void>((resolve) => stream.flush(() => resolve()));
    expect(Buffer.concat(chunks).byteLength).toBeGreaterThan(0);
    stream.end("second");
    await once(stream, "end");
    expect(DECODERS[coding](Buffer.concat(chunks)).toString()).toBe("firstsecond");
  },
);

test("any bytes round-trip in any coding", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 2_000 }),
      fc.constantFrom(...SUPPORTED_CODINGS),
      fc.constantFrom(0, 100, 4096),
      async (bytes, coding, syncBytesMax) => {
        const packed = await compress(bytes, coding, { syncBytesMax });
        expect(Buffer.compare(DECODERS[coding](packed), bytes)).toBe(0);
      },
    ),
    { numRuns: 100 },
  );
});
