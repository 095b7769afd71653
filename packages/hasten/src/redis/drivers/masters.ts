/**
 * Which server Sentinels name as the master.
 *
 * Invariants:
 * - The word of the newest configuration counts: after a failover some Sentinels lag by seconds.
 * - A connection is used only while the same server is named: asked after its greeting, and again and
 *   again. A stopped master may have been replaced meanwhile, and one that was cut off or restarted
 *   answers as a master until it is told otherwise: what is written there is lost, what is read old.
 */
import type { RawClient } from "./raw.ts";

export interface MasterAddress {
  readonly host: string;
  readonly port: number;
}

/** One Sentinel. `close` leaves nothing, also while `open` is under way. */
export interface AskedSentinel {
  open(): Promise<unknown>;
  send(words: readonly string[]): Promise<unknown>;
  close(): void;
}

interface Word {
  readonly epoch: number;
  readonly master: MasterAddress;
}

/** How long the others are waited for once one has answered. */
const OTHERS_MS = 250;

/** Asks each on a connection that is closed then. Rejects where none knows the master in time. */
export async function namedMaster(
  name: string,
  makers: readonly (() => AskedSentinel)[],
  limitMs: number,
): Promise<MasterAddress> {
  const sentinels = makers.map((make) => make());
  const asked = sentinels.map(async (sentinel) => {
    await sentinel.open();
    return await wordOf(sentinel, name);
  });
  try {
    return await newest(asked, limitMs);
  } finally {
    for (const sentinel of sentinels) sentinel.close();
  }
}

async function newest(asked: readonly Promise<Word>[], limitMs: number): Promise<MasterAddress> {
  const words: Word[] = [];
  const told = asked.map(async (one) => void words.push(await one));
  const giveUp = Promise.withResolvers<void>();
  const timer = setTimeout(giveUp.resolve, limitMs).unref();
  let others: NodeJS.Timeout | undefined;
  const all = Promise.allSettled(told);
  try {
    await Promise.race([Promise.any(told).catch(() => undefined), giveUp.promise]);
    others = setTimeout(giveUp.resolve, OTHERS_MS).unref();
    await Promise.race([all, giveUp.promise]);
    if (words.length === 0) throw await failureOf(told, limitMs);
    return words.reduce((latest, word) => (word.epoch > latest.epoch ? word : latest)).master;
  } finally {
    clearTimeout(timer);
    clearTimeout(others);
  }
}

async function wordOf(sentinel: AskedSentinel, name: string): Promise<Word> {
  const [reply, details] = await Promise.all([
    sentinel.send(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]),
    // A user who may not ask this still learns the address.
    sentinel.send(["SENTINEL", "MASTER", name]).catch(() => undefined),
  ]);
  if (!Array.isArray(reply)) throw new Error(`the Sentinel knows no master ${name}`);
  const master = { host: String(reply[0]), port: Number(String(reply[1])) };
  return { master, epoch: epochIn(details) };
}

function epochIn(details: unknown): number {
  if (!Array.isArray(details)) return 0;
  const at = details.findIndex((field) => String(field) === "config-epoch");
  const epoch = Number(String(details[at + 1]));
  return at === -1 || !Number.isFinite(epoch) ? 0 : epoch;
}

async function failureOf(asked: readonly Promise<unknown>[], limitMs: number): Promise<unknown> {
  const late = new Error(`no Sentinel answered within ${Math.round(limitMs)} ms`);
  if (asked.length === 0) return new Error("no Sentinel is named");
  return await Promise.race([asked[0]!.then(() => late), Promise.resolve(late)]).catch(
    (error: unknown) => error,
  );
}

/** Connections to Sentinels that are asked again and again. One that fails is opened anew. */
class Kept {
  readonly #name: string;
  readonly #sentinels: readonly (() => AskedSentinel)[];
  readonly #open: (Promise<AskedSentinel> | undefined)[] = [];
  #closed = false;

  constructor(name: string, sentinels: readonly (() => AskedSentinel)[]) {
    this.#name = name;
    this.#sentinels = sentinels;
  }

  master(): Promise<MasterAddress> {
    return newest(
      this.#sentinels.map((_, at) => this.#ask(at)),
      KEPT_LIMIT_MS,
    );
  }

  close(): void {
    this.#closed = true;
    for (const one of this.#open) one?.then((sentinel) => sentinel.close(), ignored);
    this.#open.length = 0;
  }

  async #ask(at: number): Promise<Word> {
    this.#open[at] ??= this.#opened(at);
    const opening = this.#open[at]!;
    try {
      return await wordOf(await opening, this.#name);
    } catch (error) {
      if (this.#open[at] === opening) this.#open[at] = undefined;
      opening.then((sentinel) => sentinel.close(), ignored);
      throw error;
    }
  }

  async #opened(at: number): Promise<AskedSentinel> {
    const sentinel = this.#sentinels[at]!();
    try {
      await sentinel.open();
      if (this.#closed) throw new Error("closed");
      return sentinel;
    } catch (error) {
      sentinel.close();
      throw error;
    }
  }
}

const KEPT_LIMIT_MS = 1_000;
const ignored = (): void => undefined;

export interface NamedBy {
  /** Of the master, as the Sentinels know it. */
  readonly name: string;
  /** Whom they named before it was opened. */
  readonly master: MasterAddress;
  /** Each makes a connection that is not open. */
  readonly sentinels: readonly (() => AskedSentinel)[];
}

/** The same connection, which can tell whether the Sentinels still name its server. */
export function stillNamed(raw: RawClient, { name, master, sentinels }: NamedBy): RawClient {
  const kept = new Kept(name, sentinels);
  return {
    ...raw,
    async standing() {
      const now = await kept.master();
      if (now.host === master.host && now.port === master.port) return undefined;
      return `the master is ${now.host}:${now.port} now, not ${master.host}:${master.port}`;
    },
    destroy() {
      kept.close();
      raw.destroy();
    },
  };
}
