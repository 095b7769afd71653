// What the shared tier costs: beside a bare GET, beside the libraries that do the same.
import { fileURLToPath } from "node:url";
import { alternate, type BenchRow, freshProcess, goal, report, row } from "hasten-tools/bench";
import { startRedis } from "hasten-tools/redis";
import { counted } from "./counted.ts";
import { subjects } from "./subjects.ts";
import { itemOf } from "./value.ts";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 1 : 5;
const BUDGET_MS = quick ? 200 : 1_000;
const ENTRIES = quick ? 20_000 : 1_000_000;
const MILLION_ROUNDS = quick ? 1 : 2;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

const all = Object.keys(subjects);
const bare = all.filter((name) => name.startsWith("bare"));
const TITLES = { hit: "hit", many: "hit, 32 under way", miss: "miss, until its caller has it" };
const wanted = (["hit", "many", "miss"] as const).flatMap((what) =>
  all
    .filter((name) => what !== "miss" || !bare.includes(name))
    .map((of) => ({ what, of, name: `${TITLES[what]}: ${of}` })),
);
const byName = new Map(wanted.map((one) => [one.name, one]));

await using redis = await startRedis();
const samples = await alternate([...byName.keys()], ROUNDS, async (name) => {
  const { what, of } = byName.get(name)!;
  const args = [of, what, redis.url, String(BUDGET_MS)];
  return (await freshProcess<{ value: number }>(here("./measure.ts"), { args })).value;
});
const tag = await alternate(["tag"], MILLION_ROUNDS, async () => {
  await using own = await startRedis();
  const args = [own.url, String(ENTRIES)];
  return (await freshProcess<{ ms: number }>(here("./million.ts"), { args, timeoutMs: 300_000 }))
    .ms;
});
const counts = await counted(redis.url);

const rows: BenchRow[] = [
  ...wanted.map(({ name }) => row(name, "µs", samples.get(name)!)),
  row(`invalidating a tag of ${ENTRIES.toLocaleString("en-US")} entries`, "ms", tag.get("tag")!),
];
const median = (name: string): number => rows.find((one) => one.name === name)!.median;
const against = (name: string): number => median(`hit: ${name}`) / median("hit: bare GET, bytes");
const peers = ["bentocache", "cacheable", "layered-loader"];
const fastest = (what: string): number =>
  Math.min(...peers.map((peer) => median(`${TITLES[what as "hit"]}: ${peer}`)));

await report({
  bench: "redis",
  command: "npm run bench:redis",
  rows,
  goals: [
    goal("hit with 1 declared tag, of a bare GET", against("hasten, 1 declared tag"), "<= 1.15"),
    goal(
      "hit with 8 tags from the entry, of a bare GET",
      against("hasten, 8 tags from the entry"),
      "<= 1.4",
    ),
    goal("commands of a hit", counts.hit, "<= 1"),
    goal("commands of a miss until its load starts", counts.missAwaited, "<= 2"),
    goal("commands of a miss with its fill", counts.missInAll, "<= 3"),
    goal("commands to invalidate 100 keys and 100 tags", counts.invalidation, "<= 1"),
    goal("invalidating the tag of all entries, slowest run (ms)", rows.at(-1)!.max, "< 5"),
    goal(
      "hit with 1 declared tag, of the fastest peer",
      median("hit: hasten, 1 declared tag") / fastest("hit"),
      "<= 1",
    ),
    goal(
      "miss with 1 declared tag, of the fastest peer",
      median(`${TITLES.miss}: hasten, 1 declared tag`) / fastest("miss"),
      "<= 1",
    ),
  ],
  notes: [
    `Redis on loopback, ${JSON.stringify(itemOf("k1")).length} bytes of JSON for each value, one call after the other unless said otherwise; nothing is answered from memory (hasten has room for one entry there, the peers have no memory tier). Decoding is included, except in "bare GET, bytes". A miss loads at once: it is what the library adds.`,
  ],
});
