import { expect, test, vi } from "vitest";
import { manualClock } from "../../core/clock.ts";
import { Channel } from "./channel.ts";
import type { Links } from "./links.ts";
import { resolveStream } from "./options.ts";
import type { PlainLink } from "./plain-link.ts";
import type { Item, Session, SessionOptions } from "./session.ts";

const sessions: { readonly session: Session; readonly options: SessionOptions }[] = [];
vi.mock("./session.ts", () => ({
  openSession: async (options: SessionOptions): Promise<Session> => {
    const close = async (): Promise<void> => undefined;
    const wal = { processId: 1, heardMs: 0, ask: () => undefined, close } as never;
    const start = async (): Promise<void> => undefined;
    const session = { slot: "s", decoder: { rows: 0, gathering: 0 } as never, wal, start, close };
    sessions.push({ session, options });
    return session;
  },
}));

/** What a slot reads, as its connection gives it: an error is that connection's. */
function reads(at: number, item: Item): void {
  const { session, options } = sessions[at]!;
  try {
    options.onItem(session, item);
  } catch (error) {
    options.onLost(session, error as Error);
  }
}

test("what fails behind the passing of a hand-over is not lost with the slot that it came from", async () => {
  const clock = manualClock();
  const sent: string[] = [];
  const link: PlainLink = {
    run: async (name, _text, values = []) => {
      if (name === "hasten_pulse") sent.push(values[0]!);
      return [[name === "hasten_xid" ? "5" : "6:6:"]];
    },
    silentMs: 0,
    close: async () => undefined,
  };
  const links: Links = { speaker: link, looker: link, serverVersion: 180_000, close: link.close };
  const lost: Error[] = [];
  const options = resolveStream({
    url: "postgres://unused",
    publication: "hasten",
    interest: { of: () => undefined },
    poll: async () => [],
    drop: () => undefined,
    boundMs: 500,
    heartbeatMs: 100,
    maxLagMs: 2_000,
    clock,
  });
  const hooks = {
    onVisible: () => undefined,
    onMessage: (content: string) => void JSON.parse(content),
    onBarrier: () => undefined,
    onMissed: () => undefined,
    onWait: () => undefined,
    onLost: (error: Error) => void lost.push(error),
  };
  const channel = new Channel(options, hooks, links);
  expect(await channel.start()).toBe(true);
  const passing = channel.handOver();
  passing.catch(() => undefined);
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  // The second slot is ahead; what it holds back is processed when the first reaches the pulse.
  reads(1, { kind: "pulse", content: sent[0]! });
  reads(1, { kind: "message", content: "not what hasten writes" });
  reads(0, { kind: "pulse", content: sent[0]! });
  expect(lost).toHaveLength(1);
  await expect(passing).rejects.toMatchObject({ code: "HST_PG_STREAM" });
  await channel.close();
});
