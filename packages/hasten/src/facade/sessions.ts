import type { Database, Sessions } from "../postgres/index.ts";
import type { HastenOptions } from "./options.ts";
import type { Pools } from "./pools.ts";

interface Opened {
  readonly db: Database;
  readonly pools: Pools;
  readonly directUrl: string | undefined;
  /** Closes what is open already. */
  readonly undo: () => Promise<void>;
}

/** The watch over the server's sessions; none where it was not asked for. */
export async function openSessions(
  { sessions, postgres }: HastenOptions,
  { db, pools, directUrl, undo }: Opened,
): Promise<Sessions | undefined> {
  if (sessions === undefined || sessions === false || postgres === undefined) return undefined;
  const { watchSessions } = await import("../postgres/index.ts");
  const given = typeof postgres === "string" ? { url: postgres } : postgres;
  try {
    return watchSessions({
      applicationName: given.applicationName,
      driver: given.driver,
      pools: () => [...(db.poolWatch?.pools ?? []), ...pools.list()],
      ...(sessions === true ? {} : sessions),
      url: given.url,
      directUrl,
    });
  } catch (error) {
    await undo();
    throw error;
  }
}
