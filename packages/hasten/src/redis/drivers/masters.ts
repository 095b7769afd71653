/**
 * Which server Sentinels name as the master.
 *
 * Invariants:
 * - The word of the newest configuration counts: after a failover some Sentinels lag by seconds.
 * - A connection is used only if the same server is named again after its handshake. In between a
 *   stopped master may have been replaced, and one that was restarted answers as a master until it
 *   is told otherwise: what is written there is lost, and what is read there is old.
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

/** Rejects where none knows the master in time. */
export async function namedMaster(
  name: string,
  sentinels: readonly AskedSentinel[],
  limitMs: number,
): Promise<MasterAddress> {
  const words: Word[] = [];
  const asked = sentinels.map(async (sentinel) => {
    words.push(await wordOf(sentinel, name));
  });
  const giveUp = Promise.withResolvers<void>();
  const timer = setTimeout(giveUp.resolve, limitMs).unref();
  let others: NodeJS.Timeout | undefined;
  const all = Promise.allSettled(asked);
  try {
    await Promise.race([Promise.any(asked).catch(() => undefined), giveUp.promise]);
    others = setTimeout(giveUp.resolve, OTHERS_MS).unref();
    await Promise.race([all, giveUp.promise]);
    if (words.length === 0) throw await failureOf(asked, limitMs);
    return words.reduce((newest, word) => (word.epoch > newest.epoch ? word : newest)).master;
  } finally {
    clearTimeout(timer);
    clearTimeout(others);
    for (const sentinel of sentinels) sentinel.close();
  }
}

async function wordOf(sentinel: AskedSentinel, name: string): Promise<Word> {
  await sentinel.open();
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

async function failureOf(asked: readonly Promise<void>[], limitMs: number): Promise<unknown> {
  const late = new Error(`no Sentinel answered within ${Math.round(limitMs)} ms`);
  if (asked.length === 0) return new Error("no Sentinel is named");
  const first = await Promise.race([asked[0], Promise.resolve(late)]).catch((error) => error);
  return first ?? late;
}

/** @param named whom the Sentinels named before it was opened */
export function stillNamed(
  raw: RawClient,
  named: MasterAddress,
  ask: () => Promise<MasterAddress>,
): RawClient {
  return {
    ...raw,
    async open() {
      await raw.open();
      const now = await ask();
      if (now.host === named.host && now.port === named.port) return;
      throw new Error(
        `${named.host}:${named.port} is not the master any more, it is ${now.host}:${now.port}`,
      );
    },
  };
}
