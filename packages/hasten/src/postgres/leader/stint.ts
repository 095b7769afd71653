/**
 * One time at the head: from the taking of the lease (or of the place of an heir) to its end.
 *
 * Invariants:
 * - A term begins with a source that is live, and ends with the first doubt: another trust of the
 *   source, another meaning of the catalog, or more dropped than could be told. The next one has
 *   another name, so that nothing read before it is trusted.
 * - A beat is confirmed only if it was announced in Redis before the source was asked, the source
 *   said that everything acknowledged before has been dropped, and Redis had all that was dropped.
 * - An heir takes over under the same term only if its own source was live before a beat of the
 *   leader was announced that is confirmed, has not missed anything since, and sees the same catalog:
 *   what was acknowledged before that is the leader's, what came after is its own.
 * - Once another record is found, nothing is written and nothing confirmed any more.
 */
import { randomUUID } from "node:crypto";
import type { Timer } from "../../core/clock.ts";
import type { Trust } from "../../core/trust.ts";
import { Feeder } from "./feeder.ts";
import { Passes } from "./passes.ts";
import { laterPosition, NO_POSITION } from "./position.ts";
import { firstRecord, type LeaderRecord } from "./record.ts";
import type { Seat } from "./seat.ts";
import type { StintOptions } from "./stint-options.ts";
import type { Led } from "./types.ts";

/** How long an heir tries before it gives up its place. */
const INHERIT_MS = 10_000;

export class Stint {
  readonly #options: StintOptions;
  readonly #seat: Seat;
  readonly #feeder: Feeder;
  readonly #passes: Passes;
  readonly #startedMs: number;
  #led: Led | undefined;
  #holds: boolean;
  /** The trust and the catalog that the term in force stands on. */
  #cover: { readonly trust: Trust; readonly version: number } | undefined;
  /** For an heir: beats announced later than its own source was live have a higher number. */
  #liveAt: number | undefined;
  /** Only what Redis was asked from then on tells of beats announced later. */
  #liveSinceMs = Number.POSITIVE_INFINITY;
  #taking = false;
  #succeeded = false;
  #deadSinceMs: number | undefined;
  #wake: (() => void) | undefined;
  #timer: Timer | undefined;
  #renewal: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #over = false;

  constructor(seat: Seat, holds: boolean, options: StintOptions) {
    this.#seat = seat;
    this.#holds = holds;
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
    this.#feeder = new Feeder({ ...options, announce: () => seat.announce(this.position) });
    this.#passes = new Passes({
      seat,
      flush: () => this.#feeder.flush(),
      led: () => (this.holds && this.#led && this.#covered(this.#led) ? this.#led : undefined),
    });
    this.#running = this.#begin();
  }

  get holds(): boolean {
    return this.#holds && !this.#over;
  }

  get over(): boolean {
    return this.#over;
  }

  /** A term began in it. */
  get succeeded(): boolean {
    return this.#succeeded;
  }

  /** It reads the changes now. */
  get open(): boolean {
    return this.#led !== undefined;
  }

  /** Of the latest change that was dropped here. */
  get position(): string {
    return this.#led?.source.position ?? NO_POSITION;
  }

  get record(): LeaderRecord {
    return this.#seat.record;
  }

  /** What was in Redis when it was asked at that instant. */
  heard(record: LeaderRecord | undefined, over: boolean, askedMs: number): void {
    if (this.#over || this.#holds || askedMs < this.#startedMs) return;
    const mine = record?.heir === this.#options.node;
    if (record === undefined || !(mine || over)) this.#end("its leader went on without it");
    else if (askedMs >= this.#liveSinceMs) this.#liveAt ??= record.begun;
    if (this.#over) return;
    if (over || this.#mayInherit(record)) void this.#takeOver(over);
  }

  /** Asks others to take over; false if nobody came. */
  async handOver(claimMs: number, takeMs: number): Promise<boolean> {
    if (!this.holds) return false;
    const leaving = { leaving: true, heir: undefined };
    if ((await this.#seat.write((record) => ({ ...record, ...leaving }), true)) !== "written")
      return false;
    const { clock } = this.#options;
    for (const startMs = clock.nowMs(); ; ) {
      // Its own beats find what an heir wrote, and that it has taken over.
      if (this.#over || this.#seat.lost) return true;
      const limitMs = this.record.heir === undefined ? claimMs : takeMs;
      if (clock.nowMs() - startMs > limitMs) break;
      await new Promise<void>((resolve) => void clock.schedule(10, resolve));
    }
    await this.#seat.write((record) => ({ ...record, leaving: false, heir: undefined }));
    return false;
  }

  /** Gives the place up and leaves nothing behind. */
  async close(because = "it was closed"): Promise<void> {
    const held = this.holds;
    this.#end(because);
    if (held) await this.#seat.remove();
    await this.#running;
  }

  async #begin(): Promise<void> {
    const { open } = this.#options;
    this.#renew();
    try {
      const led = await open({
        // What ends before is told by whoever leads, or is of no term.
        drop: (tags) => this.#led && this.#feeder.add(tags),
        onBarrier: (content) => this.#passes.read(content),
      });
      if (this.#over) {
        await led.source.close();
        return;
      }
      this.#led = led;
      await this.#beats(led);
    } catch (error) {
      const held = this.holds;
      this.#end((error as Error).message);
      if (held) await this.#seat.remove();
    } finally {
      await this.#led?.source.close();
    }
  }

  async #beats(led: Led): Promise<void> {
    const { clock, beatMs } = this.#options;
    while (!this.#over) {
      const dueMs = clock.nowMs() + beatMs;
      if (this.#holds) await this.#lead(led);
      else await this.#prepare(led);
      if (this.#seat.lost) this.#end("another leader took over");
      if (this.#over) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#timer = clock.schedule(Math.max(1, dueMs - clock.nowMs()), resolve);
      });
    }
  }

  async #lead(led: Led): Promise<void> {
    const { source } = led;
    if (this.#isDead(source.live || source.waits)) {
      await this.#seat.remove();
      return this.#end("its connection to the database was lost");
    }
    if (!source.live || !this.#covered(led)) {
      this.#cover = undefined;
      if (this.record.term !== "")
        await this.#seat.write((record) => ({ ...record, term: "" }), true);
      if (source.live) await this.#beginTerm(led);
      return;
    }
    const number = this.record.begun + 1;
    const announced = await this.#seat.write((record) => ({ ...record, begun: number }));
    if (announced !== "written") return;
    if (!(await source.beat())) return;
    if (this.#options.mutant !== "confirmBeforeAck") await this.#feeder.flush();
    if (!this.#covered(led)) return;
    // Who asks right behind a confirmation has asked shortly before the next beat is announced.
    await this.#seat.write((record) => ({ ...record, confirmed: number }), true);
  }

  /** One that cannot read lets others try. */
  #isDead(alive: boolean): boolean {
    const { clock, leaseMs } = this.#options;
    this.#deadSinceMs = alive ? undefined : (this.#deadSinceMs ?? clock.nowMs());
    return clock.nowMs() - (this.#deadSinceMs ?? clock.nowMs()) > leaseMs;
  }

  async #beginTerm(led: Led): Promise<void> {
    const { source, catalog } = led;
    const cover = { trust: source.trust, version: catalog.version };
    this.#feeder.restart();
    if (!(await source.beat())) return;
    if (source.trust !== cover.trust || catalog.version !== cover.version) return;
    const kept = this.#options.mutant === "keepTerm" ? this.#seat.found?.term : undefined;
    const term = kept || randomUUID();
    const { schema } = catalog;
    const position = laterPosition(source.position, catalog.position ?? NO_POSITION);
    this.#passes.restart();
    const written = await this.#seat.write(
      (record) => ({ ...record, term, schema, passed: {}, position }),
      true,
    );
    if (written !== "written") return;
    this.#cover = cover;
    this.#succeeded = true;
  }

  /** An heir reads beside the leader, until it may take over. */
  async #prepare({ source, catalog }: Led): Promise<void> {
    if (this.#options.clock.nowMs() - this.#startedMs > INHERIT_MS)
      return this.#end("its leader did not leave");
    if (source.live && this.#covered({ source, catalog })) return;
    this.#cover = undefined;
    this.#liveAt = undefined;
    this.#liveSinceMs = Number.POSITIVE_INFINITY;
    const cover = { trust: source.trust, version: catalog.version };
    if (!source.live || !(await source.beat())) return;
    if (source.trust !== cover.trust || catalog.version !== cover.version) return;
    this.#cover = cover;
    this.#liveSinceMs = this.#options.clock.nowMs();
  }

  #mayInherit(record: LeaderRecord | undefined): boolean {
    const led = this.#led;
    if (record === undefined || led === undefined || this.#liveAt === undefined) return false;
    return record.confirmed > this.#liveAt && record.term !== "" && this.#covered(led);
  }

  async #takeOver(over: boolean): Promise<void> {
    if (this.#taking) return;
    this.#taking = true;
    await (over ? this.#succeed() : this.#inherit()).catch(() => undefined);
    this.#taking = false;
    if (this.#seat.lost) this.#end("another leader took over");
    else if (this.#holds) this.#passes.tell();
  }

  /** The leader is gone: what it did not tell nobody knows. */
  async #succeed(): Promise<void> {
    const { begun } = this.record;
    const record = { ...firstRecord(this.#options.node), begun, confirmed: begun };
    const taken = await this.#seat.take(record);
    this.#cover = undefined;
    this.#holds = taken === "written";
  }

  async #inherit(): Promise<void> {
    const led = this.#led;
    const { node: leader } = this.#options;
    if (led === undefined) return;
    // What it dropped beside the leader is in Redis before it answers for it.
    await this.#feeder.flush();
    if (this.#over || this.#holds || !this.#covered(led)) return;
    const { schema } = led.catalog;
    const taken = await this.#seat.write((record) => {
      const term = record.schema === schema ? record.term : "";
      return { ...record, term, leader, leaving: false, heir: undefined };
    }, true);
    if (this.record.term === "") this.#cover = undefined;
    this.#holds = taken === "written";
    this.#succeeded ||= this.#holds;
  }

  #covered({ source, catalog }: Led): boolean {
    const cover = this.#cover;
    if (cover === undefined || this.#feeder.overflowed) return false;
    return source.trust === cover.trust && !cover.trust.ended && catalog.version === cover.version;
  }

  /** The lease is kept while the source is opened, and while it or Redis is slow. */
  #renew(): void {
    const { clock, leaseMs } = this.#options;
    this.#renewal = clock.schedule(leaseMs / 3, () => {
      if (this.#over) return;
      if (this.#holds) void this.#seat.write((record) => record);
      this.#renew();
    });
  }

  #end(because: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#renewal?.cancel();
    this.#feeder.close();
    this.#wake?.();
    this.#options.onEnded(because);
  }
}
