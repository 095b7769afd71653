/** Random sequences of operations on the scripts and on the reference side by side. */
import fc from "fast-check";
import { prefixesOf } from "../../../src/cache/fence.ts";
import { formatClock } from "../../../src/cache/shared/protocol/clock-record.ts";
import {
  entryName,
  keyName,
  leaseName,
  prefixName,
  type ReadAnswer,
  tagName,
} from "../../../src/cache/shared/protocol/index.ts";
import * as reference from "./reference.ts";
import { entryOf, sorted, stateOf, type TestShard } from "./shard.ts";

const KEYS = ["a", "u:1", "u:2:x", "\ud800:%{}"];
const TAGS = ["t", "s", "\udfff*"];
const PREFIXES = ["u:", "u:2:"];
const HOLDERS = ["h1", "h2"];
const DROPPED = [
  ...["clk", "log", "m0", "m1", "src"],
  ...KEYS.flatMap((key) => [entryName(key), leaseName(key)]),
  ...TAGS.map(tagName),
  ...PREFIXES.map(prefixName),
];
export const MARKS_MAX = 8;

// Mostly the same, so that what is done to it adds up.
const key = fc.constantFrom("u:1", "u:1", "u:1", ...KEYS);
const tags = fc.subarray(TAGS);
const holder = fc.constantFrom("", ...HOLDERS);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("read" as const), key, tags }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("fill" as const), key, tags, holder, ago: fc.nat(5) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("invalidate" as const),
      how: fc.constantFrom("deleted" as const, "expired" as const),
      keys: fc.subarray(KEYS, { maxLength: 2 }),
      tags: fc.subarray(TAGS, { maxLength: 2 }),
      prefixes: fc.subarray(PREFIXES),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const), softly: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("put" as const), key, tags }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("increment" as const), key, tags }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("lease" as const),
      key,
      holder: fc.constantFrom(...HOLDERS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("release" as const), key, holder }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("queue" as const), key, fills: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("confirm" as const), back: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("renew" as const), known: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("leave" as const),
      expected: fc.option(fc.constantFrom("r 1", "r 2"), { nil: undefined }),
      record: fc.option(fc.constantFrom("r 1", "r 2"), { nil: undefined }),
      wakes: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("drop" as const), name: fc.constantFrom(...DROPPED) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("flush" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("server" as const),
      run: fc.constantFrom("run-1", "run-2"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("ahead" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("damage" as const), key, cut: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("trim" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("foreign" as const) }) },
);

export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(step, { minLength: 5, maxLength: 50 });

/** Runs the steps on both; throws at the first difference. */
export async function compare(shard: TestShard, script: readonly Step[]): Promise<void> {
  const pair = new Pair(shard);
  // A clock to begin with: nothing happens without one.
  await pair.run({ do: "renew", known: false });
  for (const one of script) await pair.run(one);
}

class Pair {
  readonly state: reference.State = reference.emptyState();
  readonly #captures: reference.Capture[] = [];
  readonly #shard: TestShard;
  #count = 0;

  constructor(shard: TestShard) {
    this.#shard = shard;
  }

  async run(one: Step): Promise<void> {
    if (one.do === "queue") return await this.#queue(one.key, one.fills);
    this.#count += 1;
    const before = this.state.clock?.seq ?? 0;
    const replied = await this.#real(one);
    const found = await stateOf(this.#shard);
    const expected = this.#expected(one, found);
    if (replied !== expected) throw different(one, replied, expected);
    const state = dumpOf(this.state);
    if (JSON.stringify(found) !== JSON.stringify(state)) throw different(one, found, state);
    if (this.state.clock !== undefined && one.do !== "drop" && this.state.clock.seq < before) {
      throw different(one, this.state.clock.seq, `at least ${before}`);
    }
    const { clock } = this.state;
    if (clock !== undefined && clock.runId === this.#shard.server.runId) {
      this.#captures.push({ epoch: clock.epoch, seq: clock.seq });
    }
  }

  /** Somebody loads, somebody waits, and the load ends. */
  async #queue(key: string, fills: boolean): Promise<void> {
    await this.run({ do: "lease", key, holder: "h1" });
    await this.run({ do: "lease", key, holder: "h2" });
    if (fills) await this.run({ do: "fill", key, tags: [], holder: "h1", ago: 0 });
    else await this.run({ do: "release", key, holder: "h1" });
  }

  #capture(ago: number): reference.Capture {
    return this.#captures.at(-1 - ago) ?? this.#captures[0] ?? { epoch: "0".repeat(16), seq: 1 };
  }

  /** @param found the clock that the server now has tells what TIME and what epoch it used */
  #here(found: Record<string, unknown>): reference.Here {
    const clock = found["clk"] as reference.Clock | undefined;
    return {
      runId: this.#shard.server.runId,
      nowUs: clock?.seq ?? 0,
      beganUs: clock?.floor ?? 0,
      newEpoch: clock?.epoch ?? "",
      marksMax: MARKS_MAX,
    };
  }

  async #real(one: Step): Promise<string> {
    const { calls, link, space } = this.#shard;
    const body = (): Buffer => Buffer.from(`b${this.#count}`);
    switch (one.do) {
      case "read": {
        const full = await calls.readFull(one.key, one.tags);
        const declared = await calls.readDeclared(one.key, one.tags);
        const [many] = await calls.readMany([one.key, "other"]);
        const answer = said(full);
        if (declared.kind !== "undeclared" && said(declared) !== answer) return "declared differs";
        const alike = many!.kind === "undeclared" || said(many!) === answer;
        if (one.tags.length === 0 && !alike) return "many differs";
        return answer;
      }
      case "fill": {
        const request = {
          key: one.key,
          capture: this.#capture(one.ago),
          entry: entryOf(`v${this.#count}`, one.tags),
          keepMs: 3_600_000,
          holder: one.holder,
          wake: body(),
        };
        const answer = await calls.fill(request);
        return answer.kind === "stored" ? "stored" : answer.because;
      }
      case "invalidate":
      case "clear": {
        const names = one.do === "clear" ? NOTHING : one;
        const how = one.do === "clear" ? ("cleared" as const) : one.how;
        const softly = one.do === "clear" && one.softly;
        const answer = await calls.invalidate({ ...names, how, softly, body });
        return answer.renewed ? "renewed" : "applied";
      }
      case "put": {
        const entry = entryOf(`v${this.#count}`, one.tags);
        const answer = await calls.put({ key: one.key, entry, keepMs: 3_600_000, body: body() });
        return answer.renewed ? "renewed" : "applied";
      }
      case "increment": {
        const entry = entryOf("", one.tags, 2);
        const request = { key: one.key, by: 3, entry, keepMs: 3_600_000, body: body() };
        const answer = await calls.increment(request);
        return answer.kind === "added" ? String(answer.value) : answer.kind;
      }
      case "lease": {
        const answer = await calls.lease({ ...one, leaseMs: 3_600_000, declared: [] });
        const extended = await calls.extend(one.key, one.holder, 3_600_000);
        if (extended !== answer.mine) return "extend differs";
        return `${answer.mine ? "mine" : "theirs"} ${said(answer.read)}`;
      }
      case "release":
        return String(await calls.release(one.key, one.holder, body()));
      case "confirm": {
        const position = Math.max(0, (this.state.clock?.head ?? 0) - one.back);
        const { entries } = await calls.confirm(position, 100);
        return JSON.stringify(entries.map((entry) => [entry.position, `${entry.body}`]));
      }
      case "renew": {
        const known = one.known ? this.state.clock?.epoch : undefined;
        return (await calls.renew(known)).epoch;
      }
      case "leave": {
        const wake = one.wakes ? body() : undefined;
        const request = { ...one, source: "sql:1", leaseMs: 3_600_000, onlyIfOver: false, wake };
        const answer = await calls.leave(request);
        return answer.kind === "other" ? `other ${answer.record}` : answer.kind;
      }
      case "drop":
        await link.call(["DEL", space + one.name]);
        return "";
      case "flush":
        await link.call(["DEL", ...DROPPED.map((name) => space + name)]);
        return "";
      case "server":
        this.#shard.server = { runId: one.run };
        return "";
      case "ahead": {
        const { clock } = this.state;
        if (clock === undefined) return "";
        const text = formatClock({ ...clock, seq: clock.seq + 3_600_000_000 });
        await link.call(["SET", `${space}clk`, text]);
        return "";
      }
      case "damage": {
        const name = space + entryName(one.key);
        const bytes = await link.call(["GET", name]);
        const whole = this.state.entries.get(keyName(one.key))?.damaged === undefined;
        if (!whole || !Buffer.isBuffer(bytes)) return "";
        const damaged = one.cut ? bytes.subarray(0, 10) : Buffer.from(bytes);
        if (!one.cut) damaged[damaged.length - 6]! ^= 1;
        await link.call(["SET", name, damaged]);
        return "";
      }
      case "queue":
        return "";
      case "trim":
        await link.call(["XTRIM", `${space}log`, "MAXLEN", "1"]);
        return "";
      case "foreign":
        if (this.state.log.length > 0 && this.state.log.at(-1)!.position < 9_999) {
          await link.call(["XADD", `${space}log`, "9999-0", "b", "foreign"]);
        }
        return "";
    }
  }

  #expected(one: Step, found: Record<string, unknown>): string {
    const here = this.#here(found);
    const { state } = this;
    const body = `b${this.#count}`;
    const written = (of: { readonly key: string; readonly tags: readonly string[] }) => ({
      key: keyName(of.key),
      tags: of.tags.map(tagName),
      prefixes: prefixesOf(of.key).map(prefixName),
      value: `v${this.#count}`,
      body,
      wake: body,
    });
    switch (one.do) {
      case "read": {
        const { key, prefixes, tags } = written(one);
        return reference.read(state, here, { key, names: [...prefixes, ...tags] });
      }
      case "fill": {
        const capture = this.#capture(one.ago);
        return reference.fill(state, here, { ...written(one), capture, holder: one.holder });
      }
      case "invalidate": {
        const names = [
          ...one.keys.map(keyName),
          ...one.tags.map(tagName),
          ...one.prefixes.map(prefixName),
        ];
        const how = one.how === "deleted" ? "delete" : "expire";
        return reference.invalidate(state, here, { how, everything: false, names, body });
      }
      case "clear": {
        const how = one.softly ? "expire" : "delete";
        return reference.invalidate(state, here, { how, everything: true, names: [], body });
      }
      case "put":
        return reference.put(state, here, written(one));
      case "increment":
        return reference.increment(state, here, { ...written(one), by: 3 });
      case "lease": {
        const { key, prefixes } = written({ key: one.key, tags: [] });
        const mine = reference.lease(state, { key, holder: one.holder });
        return `${mine} ${reference.read(state, here, { key, names: prefixes })}`;
      }
      case "release":
        return reference.release(state, here, { ...one, key: keyName(one.key), wake: body });
      case "confirm": {
        const position = Math.max(0, (state.clock?.head ?? 0) - one.back);
        return JSON.stringify(
          reference.confirm(state, position).map((entry) => [entry.position, entry.body]),
        );
      }
      case "renew":
        return reference.renew(state, here, one.known ? (state.clock?.epoch ?? "") : "");
      case "leave": {
        const wake = one.wakes ? body : "";
        return reference.leave(state, here, { ...one, source: tagName("sql:1"), wake });
      }
      case "drop":
        drop(state, one.name);
        return "";
      case "flush":
        for (const name of DROPPED) drop(state, name);
        return "";
      case "ahead":
        if (state.clock !== undefined) state.clock.seq += 3_600_000_000;
        return "";
      case "damage": {
        const entry = state.entries.get(keyName(one.key));
        if (entry !== undefined && entry.damaged === undefined) {
          entry.damaged = one.cut ? "head" : "body";
          if (one.cut) entry.seq = 0;
        }
        return "";
      }
      case "trim":
        state.log = state.log.slice(-1);
        return "";
      case "foreign":
        if (state.log.length > 0 && state.log.at(-1)!.position < 9_999) {
          state.log.push({ position: 9_999, body: "foreign" });
        }
        return "";
      case "server":
      case "queue":
        return "";
    }
  }
}

const NOTHING = { keys: [], tags: [], prefixes: [] } as const;

function said(answer: ReadAnswer): string {
  if (answer.kind === "found") {
    return `${answer.fresh ? "fresh" : "stale"} ${answer.entry.payload.bytes}`;
  }
  return answer.kind === "absent" && answer.undecodable ? "damaged" : answer.kind;
}

function drop(state: reference.State, name: string): void {
  if (name === "clk") state.clock = undefined;
  else if (name === "log") state.log = [];
  else if (name === "m0") state.marks[0] = undefined;
  else if (name === "m1") state.marks[1] = undefined;
  else if (name === "src") state.sources.clear();
  else if (/^e:/i.test(name)) state.entries.delete(asKey(name));
  else if (/^l:/i.test(name)) state.leases.delete(asKey(name));
  else state.records.delete(name);
}

function asKey(name: string): string {
  return (name.charCodeAt(0) < 0x61 ? "K" : "k") + name.slice(1);
}

/** As `stateOf` tells it. */
function dumpOf(state: reference.State): Record<string, unknown> {
  const dump: Record<string, unknown> = {};
  if (state.clock !== undefined) {
    const { epoch, seq, head, runId, rootDeleted, rootExpired, floor, generation } = state.clock;
    dump["clk"] = { epoch, seq, head, runId, rootDeleted, rootExpired, floor, generation };
  }
  for (const [index, marks] of state.marks.entries()) {
    if (marks === undefined) continue;
    const names = [...marks.names].map(([name, seq]): [string, string] => [name, String(seq)]);
    const fields: [string, string][] = [["", `${marks.epoch} ${marks.began}`], ...names];
    dump[`m${index}`] = Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  for (const [name, { epoch, deleted, expired }] of state.records) {
    dump[name] = { epoch, deleted, expired };
  }
  for (const [name, entry] of state.entries) {
    const { epoch, seq, expired, tags, value } = entry;
    const part = entry.damaged !== undefined ? "damaged" : { epoch, seq, expired, tags, value };
    dump[(name.startsWith("K") ? "E" : "e") + name.slice(1)] = part;
  }
  for (const [name, { holder, waiting }] of state.leases) {
    dump[(name.startsWith("K") ? "L" : "l") + name.slice(1)] = waiting
      ? { h: holder, w: "1" }
      : { h: holder };
  }
  if (state.log.length > 0) dump["log"] = state.log;
  if (state.sources.size > 0) dump["src"] = Object.fromEntries(state.sources);
  return sorted(dump);
}

function different(one: Step, found: unknown, expected: unknown): Error {
  return new Error(
    `${JSON.stringify(one)}\n found    ${JSON.stringify(found)}\n expected ${JSON.stringify(expected)}`,
  );
}
