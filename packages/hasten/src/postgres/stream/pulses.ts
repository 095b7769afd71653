/**
 * Pulses: messages sent through the WAL that come back in the own stream.
 *
 * Invariants:
 * - A pulse is `back` when its message was read from the stream and the snapshot that its statement
 *   took was applied. Whatever was acknowledged before the pulse was asked for is visible in that
 *   snapshot and comes before the message: it has been applied then. What the snapshot does not see
 *   no reader has seen before it.
 * - Its message is flushed: an asynchronous commit before it is in the stream too.
 * - Those who ask while one is being sent share the next. At most PULSES_MAX are out.
 */
import type { Clock } from "../../core/clock.ts";
import { type Instant, instant } from "../../core/trust.ts";
import { PULSE_PREFIX } from "./decoder.ts";
import type { PlainLink } from "./plain-link.ts";
import { Rounds } from "./rounds.ts";
import { parseSnapshot, type Snapshot } from "./snapshot.ts";

export interface Pulse {
  readonly id: string;
  /** Before it was sent. */
  readonly at: Instant;
  /** False: it will not come back. */
  readonly back: Promise<boolean>;
  /** Where it is in the WAL: what was acknowledged before it was sent lies before. "" if it was not sent. */
  readonly position: string;
}

export interface PulsesOptions {
  readonly link: PlainLink;
  readonly clock: Clock;
  /** Of this stream among all that write to the WAL. */
  readonly node: string;
  readonly serverVersion: number;
  /** Of a pulse that is back: what comes before it in the stream was read. */
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly onLost: (error: Error) => void;
}

interface Outstanding {
  readonly id: string;
  readonly at: Instant;
  readonly back: PromiseWithResolvers<boolean>;
  snapshot: Snapshot | undefined;
  arrived: boolean;
}

const PULSES_MAX = 64;
const FLUSHING_VERSION = 170_000;

/** A statement that puts a message into the WAL and waits until it is on disk. */
export function emitSql(serverVersion: number, prefix: string): string {
  return serverVersion >= FLUSHING_VERSION
    ? `pg_logical_emit_message(false, '${prefix}', $1::text, true)`
    : `pg_logical_emit_message(true, '${prefix}', $1::text)`;
}

export class Pulses {
  readonly #options: PulsesOptions;
  readonly #out = new Map<string, Outstanding>();
  readonly #rounds: Rounds<Pulse>;
  readonly #text: string;
  #count = 0;
  #failed = false;
  /** Of the latest pulse: from before it was sent to back. Milliseconds. */
  roundTripMs: number | undefined;

  constructor(options: PulsesOptions) {
    this.#options = options;
    this.#rounds = new Rounds(() => this.#send());
    this.#text = `select pg_current_snapshot()::text, ${emitSql(options.serverVersion, PULSE_PREFIX)}::text`;
  }

  get count(): number {
    return this.#count;
  }

  /** When the oldest that is out was sent; undefined if none is. */
  get oldestMs(): number | undefined {
    for (const { at } of this.#out.values()) return at.monotonicMs;
    return undefined;
  }

  /** How long pulses take to come back: the latest, or the oldest that is out if that is longer. */
  get lagMs(): number {
    const sentMs = this.oldestMs;
    const outMs = sentMs === undefined ? 0 : this.#options.clock.nowMs() - sentMs;
    return Math.max(this.roundTripMs ?? 0, outMs);
  }

  /** One that begins from now on. Resolves once it is sent. */
  ask(): Promise<Pulse> {
    return this.#rounds.ask();
  }

  /** A pulse of anyone was read from the stream. Gives its id if it is one of ours. */
  arrived(content: string): string | undefined {
    const out = this.#out.get(content);
    if (out === undefined) return undefined;
    out.arrived = true;
    this.#complete(out);
    return out.id;
  }

  failAll(): void {
    this.#failed = true;
    for (const { back } of this.#out.values()) back.resolve(false);
    this.#out.clear();
  }

  async #send(): Promise<Pulse> {
    const { link, clock, node, onLost } = this.#options;
    this.#count += 1;
    const at = instant(clock);
    const out: Outstanding = {
      id: `${node}:${this.#count}`,
      at,
      back: Promise.withResolvers<boolean>(),
      snapshot: undefined,
      arrived: false,
    };
    const pulse = { id: out.id, at, back: out.back.promise, position: "" };
    if (this.#failed || this.#out.size >= PULSES_MAX) {
      out.back.resolve(false);
      return pulse;
    }
    this.#out.set(out.id, out);
    try {
      const [row] = await link.run("hasten_pulse", this.#text, [out.id]);
      pulse.position = String(row?.[1]);
      out.snapshot = parseSnapshot(String(row?.[0]));
      this.#complete(out);
    } catch (error) {
      this.#out.delete(out.id);
      out.back.resolve(false);
      onLost(error as Error);
    }
    return pulse;
  }

  #complete(out: Outstanding): void {
    if (!out.arrived || out.snapshot === undefined || !this.#out.delete(out.id)) return;
    this.roundTripMs = this.#options.clock.nowMs() - out.at.monotonicMs;
    this.#options.onSnapshot(out.snapshot);
    out.back.resolve(true);
  }
}
