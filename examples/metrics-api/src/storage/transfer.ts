/** The middle of a switch: from two URLs to a target that holds everything, or a reason why not. */
import { migrate } from "hasten/postgres";
import pg from "pg";
import { type Attachment, attach } from "./attachment.ts";
import { copyAll, judge } from "./copy.ts";
import { messageOf, type Refused, refused } from "./outcome.ts";
import { systemOf } from "./system.ts";

export interface Transfer {
  readonly sourceUrl: string;
  readonly targetUrl: string;
  readonly migrations: string;
  /** Resolves true when no write is under way and none can begin. */
  readonly closeGate: () => Promise<boolean>;
}

export interface Transferred {
  readonly kind: "transferred";
  readonly rows: number;
  /** Holds the target for this process alone. */
  readonly attachment: Attachment;
}

const CONNECT_TIMEOUT_MS = 5_000;

/** Changes nothing in the target before it is known to be free and held by this process alone. */
export async function transfer(it: Transfer): Promise<Transferred | Refused> {
  const clients = await connectBoth(it);
  if ("kind" in clients) return clients;
  try {
    return await transferWith(it, clients.source, clients.target);
  } finally {
    await Promise.allSettled([clients.source.end(), clients.target.end()]);
  }
}

async function transferWith(
  it: Transfer,
  source: pg.Client,
  target: pg.Client,
): Promise<Transferred | Refused> {
  const system = await systemOf(source);
  if (system === undefined) return refused("not-usable", "the storage in use has no system row");
  const judged = await judge(system, target);
  if (judged.kind === "taken")
    return refused("not-empty", `The target is not empty: ${judged.because}.`);
  const attachment = await attachAlone(it.targetUrl);
  if ("kind" in attachment) return attachment;
  try {
    const outcome = await fill(it, source, target);
    if (outcome.kind === "copied") return { kind: "transferred", rows: outcome.rows, attachment };
    await attachment.release();
    return outcome;
  } catch (error) {
    await attachment.release();
    return refused("copy-failed", `The copy failed, nothing was changed: ${messageOf(error)}.`);
  }
}

async function fill(
  it: Transfer,
  source: pg.Client,
  target: pg.Client,
): Promise<{ readonly kind: "copied"; readonly rows: number } | Refused> {
  try {
    await migrate({ url: it.targetUrl, directory: it.migrations });
  } catch (error) {
    return refused("not-usable", `The target's tables cannot be made: ${messageOf(error)}.`);
  }
  const outcome = await copyAll({ source, target, closeGate: it.closeGate });
  switch (outcome.kind) {
    case "copied":
      return outcome;
    case "taken":
      return refused("not-empty", `The target is not empty: ${outcome.because}.`);
    case "busy":
      return refused("drain", "Writes under way did not end in time. Try again.");
    default:
      return outcome satisfies never;
  }
}

async function attachAlone(url: string): Promise<Attachment | Refused> {
  let attachment: Attachment;
  try {
    attachment = await attach(url);
  } catch (error) {
    return refused("attached", `The target cannot be held: ${messageOf(error)}.`);
  }
  if ((await attachment.exclusive()) === "alone") return attachment;
  await attachment.release();
  return refused(
    "attached",
    "Another process of this API is attached to the target. Stop it first.",
  );
}

async function connectBoth(
  it: Transfer,
): Promise<{ readonly source: pg.Client; readonly target: pg.Client } | Refused> {
  const source = clientOf(it.sourceUrl);
  const target = clientOf(it.targetUrl);
  const [from, to] = await Promise.allSettled([source.connect(), target.connect()]);
  if (from.status === "fulfilled" && to.status === "fulfilled") return { source, target };
  await Promise.allSettled([source.end(), target.end()]);
  const [which, failed] =
    to.status === "rejected" ? (["target", to] as const) : (["storage in use", from] as const);
  const reason = failed.status === "rejected" ? messageOf(failed.reason) : "";
  return refused("unreachable", `The ${which} cannot be reached: ${reason}.`);
}

function clientOf(url: string): pg.Client {
  const client = new pg.Client({
    connectionString: url,
    application_name: "metrics-api copy",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  client.on("error", () => undefined);
  return client;
}
