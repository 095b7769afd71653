/**
 * A model of a primary, replicas that replay when they like and are restarted further back, and sessions
 * that read and write at random. Oracles: a session sees its writes, and never less than it has seen.
 */
import { expect, test } from "vitest";
import { type Moment, thisMoment } from "./order.ts";
import { NOWHERE, type Position } from "./position.ts";
import { Reader, type Seat } from "./reader.ts";
import { Samples } from "./samples.ts";

type Mutant =
  | "none"
  /** The position is that of what was flushed: an acknowledged commit may lie after it. */
  | "flushed"
  /** A sample counts from when its answer came, not from when it was asked for. */
  | "answered"
  /** What was seen on a replica is forgotten. */
  | "unseen"
  /** A server that was restarted counts as the one before. */
  | "restarted"
  /** What a replica was known to show counts on connections that were opened later. */
  | "newer-line";

interface Line extends Seat {
  readonly life: number;
  readonly floor: Position;
}

interface Server {
  readonly name: string;
  replayed: Position;
  /** What it goes back to when it is killed: replayed up to the latest restart point. */
  point: Position;
  life: number;
  lines: Line[];
  learnt: { readonly asked: Moment; readonly position: Position } | undefined;
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let at = Math.imul(state ^ (state >>> 15), state | 1);
    at ^= at + Math.imul(at ^ (at >>> 7), at | 61);
    return ((at ^ (at >>> 14)) >>> 0) / 2 ** 32;
  };
}

class World {
  inserted: Position = 1_000n;
  flushed: Position = 1_000n;
  readonly samples = new Samples();
  readonly servers: Server[];
  asked: { asked: Moment; position: Position } | undefined;
  nowMs = 0;
  readonly #random: () => number;
  readonly #mutant: Mutant;

  constructor(seed: number, mutant: Mutant) {
    this.#random = random(seed);
    this.#mutant = mutant;
    this.servers = ["a", "b"].map((name) => ({
      name,
      replayed: 1_000n,
      point: 1_000n,
      life: 0,
      lines: [],
      learnt: undefined,
    }));
  }

  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  step(): void {
    this.nowMs += 30;
    const server = this.servers[this.below(2)]!;
    const what = this.below(9);
    if (what < 2) this.inserted += BigInt(1 + this.below(50));
    else if (what === 2) this.flushed += (this.inserted - this.flushed) / BigInt(1 + this.below(2));
    else if (what === 3) this.#sample();
    else if (what < 7)
      server.replayed += (this.flushed - server.replayed) / BigInt(1 + this.below(3));
    else if (what === 7) server.learnt = { asked: thisMoment(), position: server.replayed };
    else if (this.below(3) === 0) server.point = server.replayed;
    else if (this.below(4) === 0) {
      server.replayed = server.point;
      server.life += 1;
      server.lines = [];
    }
  }

  /** In two steps: the server looks when it is asked, the answer comes when it comes. */
  #sample(): void {
    if (this.asked === undefined) {
      const position = this.#mutant === "flushed" ? this.flushed : this.inserted;
      this.asked = { asked: thisMoment(), position };
      return;
    }
    const asked = this.#mutant === "answered" ? thisMoment() : this.asked.asked;
    this.samples.add({ asked, askedMs: this.nowMs, position: this.asked.position });
    this.asked = undefined;
  }

  line(server: Server): Line {
    if (server.lines.length < 3 && this.below(2) === 0) {
      const { life, name } = server;
      // One start time for several lives: a crash of one backend restarts all but the postmaster.
      server.lines.push({ instance: name, openSince: thisMoment(), life, floor: server.replayed });
    }
    return server.lines[this.below(server.lines.length)] ?? this.line(server);
  }

  shown(server: Server, line: Line): Position {
    const { learnt } = server;
    const newer = this.#mutant === "newer-line";
    if (learnt === undefined || (!newer && learnt.asked <= line.openSince)) return line.floor;
    return learnt.position > line.floor ? learnt.position : line.floor;
  }

  /** What the reader is told of the connection. */
  seat(line: Line): Seat {
    return this.#mutant === "restarted" ? { ...line, openSince: 0 } : line;
  }

  saw(reader: Reader, line: Line): void {
    if (this.#mutant !== "unseen") reader.usedReplica(line);
  }
}

interface Session {
  readonly reader: Reader;
  wrote: Position;
  seen: Position;
}

/** Gives what went wrong, and how many reads replicas answered. */
function play(
  seed: number,
  mutant: Mutant,
): { readonly wrong: string | undefined; readonly reads: number } {
  const world = new World(seed, mutant);
  const sessions: Session[] = [0, 1].map(() => ({
    reader: new Reader(),
    wrote: NOWHERE,
    seen: NOWHERE,
  }));
  let reads = 0;
  for (let at = 0; at < 300; at++) {
    world.step();
    const session = sessions[world.below(2)]!;
    const { reader } = session;
    const what = world.below(8);
    if (what === 0) {
      world.inserted += 7n;
      session.wrote = world.inserted;
      session.seen = world.inserted;
      reader.usedPrimary();
    } else if (what === 1) {
      session.seen = world.inserted;
      reader.usedPrimary();
    } else {
      const server = world.servers[world.below(2)]!;
      const line = world.line(server);
      const need = reader.needOn(world.seat(line), world.samples);
      if (need === undefined || world.shown(server, line) < need) continue;
      reads += 1;
      if (server.replayed < session.wrote)
        return { wrong: `seed ${seed}: an own write is not shown`, reads };
      if (server.replayed < session.seen)
        return { wrong: `seed ${seed}: it went back in time`, reads };
      session.seen = server.replayed;
      world.saw(reader, line);
    }
  }
  return { wrong: undefined, reads };
}

test("sessions see their writes and never go back, over random schedules", () => {
  let reads = 0;
  for (let seed = 1; seed <= 4_000; seed++) {
    const played = play(seed, "none");
    expect(played.wrong).toBeUndefined();
    reads += played.reads;
  }
  expect(reads).toBeGreaterThan(20_000);
});

test.each(["flushed", "answered", "unseen", "restarted", "newer-line"] as const)(
  "the mutant %s is noticed",
  (mutant) => {
    let noticed = 0;
    for (let seed = 1; seed <= 4_000 && noticed === 0; seed++)
      if (play(seed, mutant).wrong !== undefined) noticed = seed;
    expect(noticed).toBeGreaterThan(0);
  },
);

test("a token counts like an own write, and a forged one for no more than was written", () => {
  const samples = new Samples();
  const line: Seat = { instance: "a", openSince: thisMoment() };
  const honest = new Reader(50n);
  const forged = new Reader(1_000_000n);
  expect([honest.needOn(line, samples), forged.needOn(line, samples)]).toEqual([50n, 1_000_000n]);
  samples.add({ asked: thisMoment(), askedMs: 0, position: 100n });
  expect([honest.needOn(line, samples), forged.needOn(line, samples)]).toEqual([50n, 100n]);
});

test("more servers than are told apart: the session waits for a position", () => {
  const samples = new Samples();
  const reader = new Reader();
  for (let at = 0; at < 20; at++) {
    const seat = { instance: `s${at}`, openSince: thisMoment() };
    reader.usedReplica(seat);
  }
  expect(reader.needOn({ instance: "s1", openSince: 0 }, samples)).toBeUndefined();
  samples.add({ asked: thisMoment(), askedMs: 0, position: 9n });
  expect(reader.needOn({ instance: "s1", openSince: 0 }, samples)).toBe(9n);
});
