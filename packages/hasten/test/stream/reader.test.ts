/**
 * The reader of `pgoutput` against a real server: random transactions, recorded once and read by it
 * and by mutants of it. Nothing that had to be dropped may be missing.
 */
import { randomBytes } from "node:crypto";
import { freshDatabase } from "hasten-tools/vitest";
import type pg from "pg";
import { expect, test, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { broadTag, tableOfTag } from "../../src/core/sql-tag.ts";
import type { TableInterest } from "../../src/postgres/statements/interest.ts";
import { Decoder } from "../../src/postgres/stream/decoder.ts";
import { collectTags } from "../../src/postgres/stream/gathered.ts";
import { skipRow } from "../../src/postgres/stream/tuple.ts";
import { openWalLink } from "../../src/postgres/stream/wal-link.ts";
import { Round, random, Session, TABLES } from "./reader-model.ts";
import { client, open, tagOf } from "./world.ts";

vi.setConfig({ testTimeout: 60_000 });

const SEED = Number(process.env["HASTEN_READER_SEED"] ?? 20_261_121);
const ROUNDS = 120;
const SESSIONS = 3;

type Interests = ReadonlyMap<number, readonly TableInterest[]>;
type Read = (bytes: Buffer) => void;
/** Gives the decoder other messages than the server sent. */
type Mutant = (read: Read) => Read;

/** What each round dropped, by reading what was recorded. */
function replay(
  recorded: readonly Buffer[],
  interests: Interests,
  mutant: Mutant = (read) => read,
): ReadonlySet<string>[] {
  const interest = { of: (oid: number) => interests.get(oid) };
  const rounds: Set<string>[] = [];
  let dropped = new Set<string>();
  const decoder = new Decoder(interest, {
    commit: (gathered) => void collectTags(gathered, interest, dropped),
    message: () => undefined,
    pulse: () => {
      rounds.push(dropped);
      dropped = new Set();
    },
  });
  const read = mutant((bytes) => decoder.read(bytes, 0));
  for (const bytes of recorded) read(bytes);
  return rounds;
}

/** Tags are made of a column that is not in both rows. */
const BROAD: ReadonlySet<string> = new Set(["by_other", "by_nothing"]);

/** What is missing, and what was dropped without a reason. */
function judged(
  rounds: readonly Round[],
  dropped: readonly ReadonlySet<string>[],
): { readonly missing: readonly string[]; readonly needless: readonly string[] } {
  const missing: string[] = [];
  const needless: string[] = [];
  const names = new Map(TABLES.map(({ name }) => [tagOf(name), name]));
  const altered = new Set<string>();
  for (const [at, { must, may, changed, touched, broad, ...round }] of rounds.entries()) {
    const tags = dropped[at] ?? new Set<string>();
    const satisfied = (tag: string): boolean =>
      tags.has(tag) || tags.has(broadTag(tableOfTag(tag)));
    const lacking = [...[...changed].map(tagOf).filter((tag) => !tags.has(tag)), ...must];
    missing.push(...lacking.filter((tag) => !satisfied(tag)).map((tag) => `${at} ${tag}`));
    const reasoned = (tag: string): boolean => {
      const name = names.get(tableOfTag(tag))!;
      if (tag.includes("=")) return may.has(tag);
      if (!touched.has(name)) return false;
      return [broad, BROAD, altered].some((set) => set.has(name)) || tag === tagOf(name);
    };
    needless.push(...[...tags].filter((tag) => !reasoned(tag)).map((tag) => `${at} ${tag}`));
    for (const name of changed) altered.delete(name);
    for (const name of round.altered) altered.add(name);
  }
  return { missing, needless };
}

const [INSERT, UPDATE, DELETE, TRUNCATE, RELATION] = [0x49, 0x55, 0x44, 0x54, 0x52];
const [STREAM_START, STREAM_COMMIT, ABORT, STREAM_STOP] = [0x53, 0x63, 0x41, 0x45];

/** Knows whether messages carry a transaction id. */
const inBlocks = (change: (bytes: Buffer, body: number, read: Read) => void): Mutant => {
  return (read) => {
    let inBlock = false;
    return (bytes) => {
      if (bytes[0] === STREAM_START) inBlock = true;
      if (bytes[0] === STREAM_STOP) inBlock = false;
      change(bytes, inBlock ? 5 : 1, read);
    };
  };
};
const without = (kind: number | undefined): Mutant =>
  inBlocks((bytes, _body, read) => {
    if (bytes[0] !== kind) read(bytes);
  });

const MUTANTS: Readonly<Record<string, Mutant>> = {
  "inserts are not read": without(INSERT),
  "updates are not read": without(UPDATE),
  "deletes are not read": without(DELETE),
  "truncates are not read": without(TRUNCATE),
  "commits of streamed transactions are not read": without(STREAM_COMMIT),
  "old rows are not read": inBlocks((bytes, body, read) => {
    const old = bytes[0] === UPDATE && (bytes[body + 4] === 0x4b || bytes[body + 4] === 0x4f);
    if (!old) return read(bytes);
    const rest = bytes.subarray(skipRow(bytes, body + 5));
    return read(Buffer.concat([bytes.subarray(0, body + 4), rest]));
  }),
  "new rows are not read": inBlocks((bytes, body, read) => {
    const old = bytes[0] === UPDATE && (bytes[body + 4] === 0x4b || bytes[body + 4] === 0x4f);
    if (!old) return read(bytes);
    const row = bytes.subarray(body + 5, skipRow(bytes, body + 5));
    return read(Buffer.concat([bytes.subarray(0, body + 5), row, Buffer.from("N"), row]));
  }),
  "columns are learnt once": (read) => {
    const known = new Set<number>();
    return inBlocks((bytes, body, on) => {
      const oid = bytes[0] === RELATION ? bytes.readUInt32BE(body) : 0;
      if (bytes[0] !== RELATION || !known.has(oid)) on(bytes);
      if (bytes[0] === RELATION) known.add(oid);
    })(read);
  },
  "a savepoint's rollback is its transaction's": (read) => (bytes) => {
    const xid = bytes.subarray(1, 5);
    read(bytes[0] === ABORT ? Buffer.concat([Buffer.from("A"), xid, xid]) : bytes);
  },
  "only the last block of a streamed transaction counts": (read) => (bytes) => {
    if (bytes[0] === STREAM_START && bytes[5] === 0) {
      const xid = bytes.subarray(1, 5);
      read(Buffer.concat([Buffer.from("A"), xid, xid]));
    }
    read(bytes);
  },
};

/** Runs the transactions, and gives what the server sent of them. */
async function record(): Promise<{
  recorded: readonly Buffer[];
  interests: Interests;
  rounds: readonly Round[];
}> {
  const db = await freshDatabase();
  open.push({ close: () => db.drop() });
  const admin = await client(db.url);
  // Small, so that transactions are streamed before they end.
  await admin.query(
    "do $$ begin execute format('alter database %I set logical_decoding_work_mem = ''64kB''', current_database()); end $$",
  );
  await admin.query(TABLES.map(({ setup }) => setup).join(";"));
  await admin.query("create publication hasten for all tables");
  const interests = await interestsOf(admin);
  const recorded: Buffer[] = [];
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const wal = await openWalLink({
    url: db.url,
    driver: undefined,
    clock: systemClock,
    publication: "hasten",
    slot: `hasten_reader_${randomBytes(6).toString("hex")}`,
    onMessage: (bytes, at) => void recorded.push(Buffer.from(bytes.subarray(at))),
    onLost: failed.reject,
  });
  open.push(wal);
  await wal.createSlot();
  await wal.start();
  const reached = async (mark: string): Promise<void> => {
    await admin.query("select pg_logical_emit_message(false, $1, '', true)", [mark]);
    const told = (bytes: Buffer): boolean => bytes[0] === 0x4d && bytes.includes(`${mark}\0`);
    const read = vi.waitFor(() => expect(recorded.some(told)).toBe(true), { timeout: 20_000 });
    await Promise.race([read, failed.promise]);
  };
  const next = random(SEED);
  const sessions: Session[] = [];
  for (let at = 0; at < SESSIONS; at++)
    sessions.push(new Session(await client(db.url), random(SEED + at), at + 1));
  const rounds: Round[] = [];
  for (let at = 0; at < ROUNDS; at++) {
    const round = new Round();
    rounds.push(round);
    if (at === ROUNDS - 1) await sessions[0]!.streamed(round, TABLES[0]!, () => reached("middle"));
    else if (next(3) === 0) {
      await sessions[next(SESSIONS)]!.transaction(round, true);
      for (const name of round.truncated) for (const one of sessions) one.forget(name);
    } else await Promise.all(sessions.map((one) => one.transaction(round, false)));
    await admin.query("select pg_logical_emit_message(false, 'hasten.pulse', $1, true)", [`${at}`]);
  }
  await reached("end");
  return { recorded, interests, rounds };
}

async function interestsOf(admin: pg.Client): Promise<Interests> {
  const interests = new Map<number, readonly TableInterest[]>();
  for (const { name, columns } of TABLES) {
    const { rows } = await admin.query("select $1::regclass::oid::int8::float8 as oid", [name]);
    const tableTag = tagOf(name);
    const wanted = new Map(Object.entries(columns));
    interests.set(rows[0].oid, [{ tableTag, broadTag: broadTag(tableTag), columns: wanted }]);
  }
  return interests;
}

test("whatever random transactions change is dropped, and no mutant of the reader manages", async () => {
  const { recorded, interests, rounds } = await record();
  const kinds = new Set(recorded.map((bytes) => bytes[0]));
  for (const kind of [INSERT, UPDATE, DELETE, TRUNCATE, STREAM_COMMIT, ABORT])
    expect(kinds, `seed ${SEED}`).toContain(kind);
  const verdict = judged(rounds, replay(recorded, interests));
  expect(verdict, `seed ${SEED}`).toEqual({ missing: [], needless: [] });
  const survived: string[] = [];
  for (const [name, mutant] of Object.entries(MUTANTS)) {
    try {
      if (judged(rounds, replay(recorded, interests, mutant)).missing.length === 0)
        survived.push(name);
    } catch {
      // It noticed that something is wrong: trust ends.
    }
  }
  expect(survived).toEqual([]);
});
