/**
 * Tees a response while its handler writes it.
 *
 * Invariants:
 * - Bytes go to the client when the handler writes them; the copy never delays or holds them.
 * - The copy is bounded: beyond `bytesMax` it is dropped and the response goes on.
 * - `onHead` runs once, before the first byte, and may answer itself ("replaced"): whatever the
 *   handler writes after that is recorded but not sent.
 * - Exactly one of `onEnd` and `onClose` tells how it ended, and `onEnd` at most once.
 * - A call that Node refuses by throwing spoils the copy: what follows is another answer.
 */
import type { ServerResponse } from "node:http";
import { applyHead } from "../response-head.ts";

export interface RecorderPlan {
  readonly bytesMax: number;
  /** The status and header are final. `whole` is the body where it was handed over in one piece. */
  onHead(status: number, whole: Buffer | undefined): "send" | "replaced";
  /** The header went out, with what outer middleware added on its way. */
  onSent?(): void;
  /** The copy will not be complete: too large, trailers, early hints. */
  onDrop(): void;
  /** The handler ended the response. `body` is undefined if the copy was dropped. */
  onEnd(body: Buffer | undefined): void;
  /** The connection closed before the handler ended the response. */
  onClose(started: boolean): void;
  /** Runs what is not the handler: Node, and hooks of outer middleware. */
  outside<T>(run: () => T): T;
}

export interface Recorder {
  /** Lets go of the copy: nothing will be stored. */
  drop(): void;
}

type Callback = (error?: Error | null) => void;

interface Original {
  writeHead: (status: number) => ServerResponse;
  write: (...args: unknown[]) => boolean;
  end: (...args: unknown[]) => ServerResponse;
}

/** Starts recording. Only for misses: it makes a handful of closures. */
export function recordResponse(res: ServerResponse, plan: RecorderPlan): Recorder {
  const tape = createTape(plan);
  const original: Original = {
    writeHead: res.writeHead as Original["writeHead"],
    write: res.write as Original["write"],
    end: res.end as Original["end"],
  };
  let decided = false;
  let replaced = false;
  let ended = false;

  const decide = (status: number, whole: Buffer | undefined): void => {
    if (decided) return;
    decided = true;
    // What replaces the answer is written with the methods as they were.
    restore(res, original);
    replaced = plan.onHead(status, whole) === "replaced";
    patch();
  };
  const pass = <T>(run: () => T): T => {
    try {
      return plan.outside(run);
    } catch (error) {
      tape.spoil();
      ended = false;
      throw error;
    }
  };
  const head = (status: number): void => {
    pass(() => original.writeHead.call(res, status));
    plan.onSent?.();
  };
  const writeHead = (...args: Parameters<typeof applyHead>[1]): ServerResponse => {
    if (replaced) return res;
    applyHead(res, args);
    decide(res.statusCode, undefined);
    if (!replaced) head(res.statusCode);
    return res;
  };
  const write = (...args: unknown[]): boolean => {
    const { chunk, encoding, callback } = bodyArguments(args);
    decide(res.statusCode, undefined);
    tape.add(bytesOf(chunk, encoding), typeof chunk === "string" ? "own" : "borrowed");
    if (!replaced) return pass(() => original.write.apply(res, args));
    if (callback !== undefined) process.nextTick(callback);
    return true;
  };
  const end = (...args: unknown[]): ServerResponse => {
    if (ended) return replaced ? res : original.end.apply(res, args);
    const { chunk, encoding, callback } = bodyArguments(args);
    const bytes = bytesOf(chunk, encoding);
    decide(res.statusCode, tape.empty ? (bytes ?? EMPTY) : undefined);
    tape.add(bytes, "own");
    ended = true;
    if (!replaced) pass(() => original.end.apply(res, args));
    else if (callback !== undefined) process.nextTick(callback);
    plan.onEnd(tape.take());
    return res;
  };
  const patch = (): void => {
    Object.assign(res, { writeHead, write, end });
  };
  patch();
  watchExtras(res, tape);
  res.once("close", () => {
    if (!ended) plan.onClose(decided);
  });
  return { drop: tape.drop };
}

const EMPTY = Buffer.alloc(0);

interface Tape {
  readonly empty: boolean;
  /** Borrowed bytes are copied now: the handler may use its buffer again before the end. */
  add(bytes: Buffer | undefined, whose: "own" | "borrowed"): void;
  drop(): void;
  /** Drops it for a reason found while recording, and says so. */
  spoil(): void;
  take(): Buffer | undefined;
}

function createTape(plan: RecorderPlan): Tape {
  let chunks: Buffer[] | undefined = [];
  let bytesTotal = 0;
  const drop = (): void => {
    chunks = undefined;
  };
  const spoil = (): void => {
    if (chunks === undefined) return;
    chunks = undefined;
    plan.onDrop();
  };
  return {
    get empty() {
      return bytesTotal === 0;
    },
    add(bytes, whose) {
      if (bytes === undefined) return;
      bytesTotal += bytes.length;
      if (chunks === undefined) return;
      if (bytesTotal > plan.bytesMax) spoil();
      else chunks.push(whose === "own" ? bytes : Buffer.from(bytes));
    },
    drop,
    spoil,
    // Always a copy: the handler's buffer may be a slice of a larger one, or be used again.
    take: () => (chunks === undefined ? undefined : Buffer.concat(chunks)),
  };
}

/** Trailers and informational answers belong to one response: such a one is not stored. */
function watchExtras(res: ServerResponse, tape: Tape): void {
  const { addTrailers, writeEarlyHints } = res;
  res.addTrailers = (...args) => {
    tape.spoil();
    return addTrailers.apply(res, args);
  };
  res.writeEarlyHints = (...args) => {
    tape.spoil();
    return writeEarlyHints.apply(res, args);
  };
}

function restore(res: ServerResponse, original: Original): void {
  Object.assign(res, original);
}

function bodyArguments(args: readonly unknown[]): {
  chunk: unknown;
  encoding: BufferEncoding | undefined;
  callback: Callback | undefined;
} {
  const [first, second] = args;
  const callback = args.find((arg) => typeof arg === "function") as Callback | undefined;
  return {
    chunk: typeof first === "function" ? undefined : first,
    encoding: typeof second === "string" ? (second as BufferEncoding) : undefined,
    callback,
  };
}

function bytesOf(chunk: unknown, encoding: BufferEncoding | undefined): Buffer | undefined {
  if (chunk === undefined || chunk === null) return undefined;
  if (typeof chunk === "string") return Buffer.from(chunk, encoding);
  if (Buffer.isBuffer(chunk)) return chunk;
  if (chunk instanceof Uint8Array) {
    return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  return undefined;
}
