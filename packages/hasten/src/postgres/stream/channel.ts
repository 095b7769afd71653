/**
 * One unbroken reading of the WAL: connections, slot, what is parked, pulses, and the hand-over from
 * one slot to the next.
 *
 * Invariants:
 * - Live only after every transaction that a snapshot taken after the slot was made shows as running
 *   has ended, or its commit was read: one that committed before the slot, and that readers do not
 *   see yet, is not in the stream.
 * - A hand-over passes at one pulse: the first slot applies what comes before it, the second what
 *   comes after it, each change once.
 * - Whatever fails ends the channel, once; a successor that fails before the passing does not.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Timer } from "../../core/clock.ts";
import type { Gathered } from "./gathered.ts";
import { type Links, openLinks } from "./links.ts";
import { Looks } from "./looks.ts";
import type { ResolvedStream } from "./options.ts";
import { Parked } from "./parked.ts";
import type { PlainLink } from "./plain-link.ts";
import { Pulses } from "./pulses.ts";
import { type Item, openSession, type Session } from "./session.ts";
import type { Snapshot } from "./snapshot.ts";
import { StartWait } from "./start-wait.ts";
import { Succession } from "./succession.ts";
import type { WalLink } from "./wal-link.ts";

export interface ChannelHooks {
  /** Visible from now on, in the order of commits. */
  onVisible(visible: readonly Gathered[]): void;
  onMessage(content: string): void;
  onWait(xids: readonly string[]): void;
  onLost(error: Error): void;
}

const BUSY_MS = 200;
const CHECK_MS = 250;
/** A check that finds silence may run before bytes that already wait: it must find it again. */
const SILENT_CHECKS = 3;

export class Channel {
  readonly links: Links;
  readonly pulses: Pulses;
  readonly parked: Parked;
  readonly #options: ResolvedStream;
  readonly #hooks: ChannelHooks;
  readonly #looks: Looks;
  readonly #startWait: StartWait;
  readonly #wals = new Set<WalLink>();
  #session: Session | undefined;
  #succession: Succession | undefined;
  #checks: Timer | undefined;
  #silentChecks = 0;
  #over = false;

  constructor(options: ResolvedStream, hooks: ChannelHooks, links: Links) {
    this.#options = options;
    this.#hooks = hooks;
    this.links = links;
    const onLost = (error: Error): void => this.fail(error);
    this.parked = new Parked((visible) => hooks.onVisible(visible));
    this.#startWait = new StartWait((xids) => hooks.onWait(xids));
    const { clock } = options;
    const onSnapshot = (snapshot: Snapshot): boolean => this.#see(snapshot);
    this.#looks = new Looks({ link: links.looker, clock, onSnapshot, onLost });
    this.pulses = new Pulses({
      link: links.speaker,
      clock,
      node: options.instance,
      serverVersion: links.serverVersion,
      onSnapshot,
      onLost,
    });
  }

  /** It failed or was closed. */
  get over(): boolean {
    return this.#over;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** Resolves when nothing that happened before can be missed; false if it failed before. */
  async start(): Promise<boolean> {
    this.#check();
    try {
      const session = await this.#openSession();
      if (this.#over) {
        await session.close();
        return false;
      }
      this.#session = session;
      await session.start();
      this.#looks.wake();
      return await this.#startWait.ended;
    } catch (error) {
      this.fail(error as Error);
      return false;
    }
  }

  /** Goes on from a second slot, and closes the first. */
  async handOver(): Promise<void> {
    const from = this.#session;
    if (from === undefined || this.#succession !== undefined || this.#over)
      throw new Error("the stream is not live, or hands over already");
    const successor = await this.#openSession();
    const succession = new Succession(successor);
    if (this.#over) succession.fail();
    else this.#succession = succession;
    try {
      await successor.start();
      succession.ready(this.pulses.count);
      await (await this.pulses.ask()).back;
      if (!(await succession.passed)) throw new Error("the second slot failed");
    } catch (error) {
      if (this.#succession === succession) this.#succession = undefined;
      await successor.close();
      this.#wals.delete(successor.wal);
      throw error;
    }
    await from.close();
    this.#wals.delete(from.wal);
  }

  fail(error: Error): void {
    if (this.#over) return;
    this.#stop();
    this.#hooks.onLost(error);
  }

  async close(): Promise<void> {
    this.#stop();
    const { links } = this;
    await Promise.all([...this.#wals].map((wal) => closeWal(wal, links.looker)));
    await links.close();
  }

  #stop(): void {
    this.#over = true;
    this.#checks?.cancel();
    this.#looks.close();
    this.pulses.failAll();
    this.#startWait.fail();
    this.#succession?.fail();
    this.parked.clear();
  }

  #openSession(): Promise<Session> {
    return openSession({
      ...this.#options,
      link: this.links.looker,
      onWait: (xids) => this.#hooks.onWait(xids),
      onWal: (wal) => void this.#wals.add(wal),
      onItem: (session, item) => this.#receive(session, item),
      onLost: (session, error) => this.#lostSession(session, error),
    });
  }

  #lostSession(session: Session, error: Error): void {
    const early = this.#succession?.cut === undefined && session !== this.#session;
    if (early) this.#succession?.fail();
    else this.fail(error);
  }

  #receive(session: Session, item: Item): void {
    if (this.#over) return;
    const succession = this.#succession;
    if (succession?.successor === session) succession.buffer(item);
    else if (session === this.#session && succession?.cut === undefined) {
      this.#process(item);
      if (item.kind === "pulse" && succession?.cutsAt(item.content, this.#options.instance))
        succession.cut = item.content;
    }
    const rest = succession?.rest();
    if (succession === undefined || rest === undefined) return;
    this.#session = succession.successor;
    this.#succession = undefined;
    for (const each of rest) this.#process(each);
    succession.pass();
  }

  #process(item: Item): void {
    switch (item.kind) {
      case "commit":
        this.#commit(item.gathered);
        return;
      case "pulse":
        this.pulses.arrived(item.content);
        return;
      case "message":
        this.#hooks.onMessage(item.content);
        return;
      default:
        item satisfies never;
    }
  }

  #commit(gathered: Gathered): void {
    if (gathered.flooded) throw new Error("a transaction with too many messages");
    this.#startWait.committed(gathered.xid);
    if (gathered.isEmpty) return;
    if (this.#options.mutant === "bumpOnDecode") {
      this.#hooks.onVisible([gathered]);
      return;
    }
    this.parked.add(gathered);
    this.#looks.wake();
  }

  /** True: something still waits. */
  #see(snapshot: Snapshot): boolean {
    if (this.#over) return false;
    this.parked.see(snapshot);
    return this.#startWait.see(snapshot) || this.parked.size > 0;
  }

  /** Connections that swallow everything report no error. */
  #check(): void {
    this.#checks = this.#options.clock.schedule(CHECK_MS, () => {
      const silent = this.#silence();
      this.#silentChecks = silent === undefined ? 0 : this.#silentChecks + 1;
      if (silent !== undefined && this.#silentChecks >= SILENT_CHECKS) this.fail(new Error(silent));
      else this.#check();
    });
  }

  #silence(): string | undefined {
    const { maxLagMs, clock } = this.#options;
    const { speaker, looker } = this.links;
    if (Math.max(speaker.silentMs, looker.silentMs) > Math.max(maxLagMs, 1_000))
      return "the server does not answer";
    const wal = this.#session?.wal;
    const sentMs = this.pulses.oldestMs;
    if (wal === undefined || sentMs === undefined) return undefined;
    const nowMs = clock.nowMs();
    const quietMs = Math.min(nowMs - sentMs, nowMs - wal.heardMs);
    if (quietMs > maxLagMs / 2) wal.ask();
    return quietMs > maxLagMs ? "the replication connection is silent" : undefined;
  }
}

const TERMINATE = "select pg_terminate_backend($1::int, 1000)::text";

/** A server process that is busy, or waits, does not read that it should end: it is told by another. */
async function closeWal(wal: WalLink, looker: PlainLink): Promise<void> {
  const closing = wal.close().then(() => true);
  const patience = delay(BUSY_MS, false, { ref: false });
  if (await Promise.race([closing, patience])) return;
  const told = looker.run("hasten_end", TERMINATE, [String(wal.processId)]);
  // On a connection that hangs nothing is answered, and closing has a bound of its own.
  await Promise.race([told.catch(() => undefined), closing]);
  await closing;
}

/** Connects; the slot is made by `start`. */
export async function openChannel(options: ResolvedStream, hooks: ChannelHooks): Promise<Channel> {
  let channel: Channel | undefined;
  let early: Error | undefined;
  const links = await openLinks(options, options.clock, (error) => {
    early = error;
    channel?.fail(error);
  });
  channel = new Channel(options, hooks, links);
  if (early !== undefined) {
    await channel.close();
    throw early;
  }
  return channel;
}
