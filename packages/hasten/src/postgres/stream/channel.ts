/**
 * One unbroken reading of the WAL: connections, slot, what is parked, pulses, and the hand-over from
 * one slot to the next.
 *
 * Invariants:
 * - Live only once the slot came too late for nothing any more, or after a grace: see StartWait.
 * - A hand-over passes at one pulse: the first slot applies what comes before it, the second what
 *   comes after it, each change once.
 * - Whatever fails ends the channel, once; a successor that fails before the passing does not.
 */
import type { Timer } from "../../core/clock.ts";
import { reasonOf } from "../failures.ts";
import type { ChannelHooks } from "./channel-hooks.ts";
import { closeWal } from "./close-wal.ts";
import { BARRIER } from "./decoder.ts";
import type { Gathered } from "./gathered.ts";
import { type Links, openLinks } from "./links.ts";
import { Looks, snapshotOf } from "./looks.ts";
import type { ResolvedStream } from "./options.ts";
import { Parked } from "./parked.ts";
import { Pulses } from "./pulses.ts";
import { Rounds } from "./rounds.ts";
import { type Item, openSession, type Session } from "./session.ts";
import type { Snapshot } from "./snapshot.ts";
import { StartWait } from "./start-wait.ts";
import { notHandedOver, Succession } from "./succession.ts";
import type { WalLink } from "./wal-link.ts";

/** Takes the next transaction id, and gives it up: what runs with a smaller one is in snapshots then. */
const NEW_XID = "select pg_current_xact_id()::text";
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
  readonly #snapshots: Rounds<Snapshot>;
  readonly #startWait: StartWait;
  readonly #wals = new Set<WalLink>();
  #session: Session | undefined;
  #succession: Succession | undefined;
  #handingOver = false;
  #checks: Timer | undefined;
  #silentChecks = 0;
  #over = false;

  constructor(options: ResolvedStream, hooks: ChannelHooks, links: Links) {
    this.#options = options;
    this.#hooks = hooks;
    this.links = links;
    const { clock } = options;
    const onLost = (error: Error): void => this.fail(error);
    this.parked = new Parked((visible) => hooks.onVisible(visible));
    this.#startWait = new StartWait(clock, (xids) => hooks.onWait(xids));
    const onSnapshot = (snapshot: Snapshot): boolean => this.#see(snapshot);
    this.#looks = new Looks({ link: links.looker, clock, onSnapshot, onLost });
    this.#snapshots = new Rounds(() => snapshotOf(links.looker));
    this.pulses = new Pulses({
      link: links.speaker,
      clock,
      node: options.instance,
      serverVersion: links.serverVersion,
      onSnapshot: (snapshot) => this.#passed(snapshot),
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
      const [row] = await this.links.looker.run("hasten_xid", NEW_XID);
      this.#startWait.begin(Number(row?.[0]));
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
    if (from === undefined || this.#over) throw notHandedOver("it is not live");
    if (this.#handingOver) throw notHandedOver("it is being handed over already");
    this.#handingOver = true;
    try {
      await this.#succeed();
    } catch (error) {
      throw notHandedOver(reasonOf(error), error);
    } finally {
      this.#handingOver = false;
    }
    await from.close();
    this.#wals.delete(from.wal);
  }

  async #succeed(): Promise<void> {
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

  /** What fails here fails the channel, whichever slot brought it: the other's items are lost too. */
  #receive(session: Session, item: Item): void {
    if (this.#over) return;
    const succession = this.#succession;
    try {
      this.#take(session, item, succession);
    } catch (error) {
      succession?.fail();
      this.fail(error as Error);
    }
  }

  #take(session: Session, item: Item, succession: Succession | undefined): void {
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
        if (this.pulses.arrived(item.content) === undefined) this.#barrier(item.content);
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

  /** What was acknowledged before it was sent is seen by every snapshot from now on. */
  #barrier(content: string): void {
    if (!content.startsWith(BARRIER)) return;
    this.#snapshots.ask().then(
      (snapshot) => {
        this.#see(snapshot);
        if (!this.#over) this.#hooks.onBarrier(content);
      },
      (error: Error) => this.fail(error),
    );
  }

  /** A pulse is back: what it does not see, and is not in the stream, may come later. */
  #passed(snapshot: Snapshot): void {
    this.#see(snapshot);
    if (!this.#over && this.#startWait.passed(snapshot)) this.#hooks.onMissed();
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
