/**
 * The input by COPY.
 *
 * Invariant: a COPY does not wait for its input: after a second without rows it ends, and another begins.
 */
import type { Clock } from "../../core/clock.ts";
import { type Block, headBlock } from "./feed.ts";
import { locate } from "./locate.ts";
import type { Portion, Write } from "./write-types.ts";

/** Longest that a COPY waits for rows. */
const SOURCE_WAIT_MS = 1_000;

/**
 * Copies the portion, as many COPYs as it takes (each of one form); gives the rows that came to be:
 * a trigger may drop some.
 */
export async function copyAll(
  write: Write,
  textFor: (form: Block["form"]) => string,
  portion: Portion,
): Promise<number> {
  let made = 0;
  const { line, layout, feed, clock } = write;
  const { head, tally, rowsMax, copyRows } = portion;
  /** The first of the next COPY. */
  let ready: Block | undefined = headBlock(layout, head);
  /** Asked for and not yet there: it is the next one, whichever COPY takes it. */
  let pending: Promise<Block | undefined> | undefined;
  while (ready !== undefined) {
    const from = head.from + tally.rows;
    const { form }: Block = ready;
    let sent = 0;
    const took = (block: Block | undefined): Block | undefined => {
      if (block !== undefined && block.form !== form) {
        ready = block;
        return undefined;
      }
      sent += block?.rows ?? 0;
      return block;
    };
    const next = (): Block | undefined | Promise<Block | undefined> => {
      const first = ready;
      ready = undefined;
      if (first !== undefined) return took(first);
      const room = Math.min(copyRows - sent, rowsMax - tally.rows - sent);
      if (room <= 0 || feed.ended) return undefined;
      const block = feed.block(room);
      if (!(block instanceof Promise)) return took(block);
      pending = block;
      return within(block, clock).then((come) => {
        if (come.kind === "late") return undefined;
        pending = undefined;
        return took(come.block);
      });
    };
    const copied = await line
      .copy(textFor(form), next)
      .catch((error: unknown) => locate(write, error, { from, to: from + sent }));
    tally.rows += sent;
    made += copied.rows;
    tally.bytes += copied.bytes;
    await portion.onRows([]);
    if (ready !== undefined) continue;
    if (pending === undefined && (feed.ended || tally.rows >= rowsMax)) break;
    const block = pending ?? feed.block(Math.min(copyRows, rowsMax - tally.rows));
    pending = undefined;
    ready = block instanceof Promise ? await line.waiting(block) : block;
  }
  return made;
}

type Come =
  | { readonly kind: "block"; readonly block: Block | undefined }
  | { readonly kind: "late" };

function within(block: Promise<Block | undefined>, clock: Clock): Promise<Come> {
  return new Promise((resolve, reject) => {
    const timer = clock.schedule(SOURCE_WAIT_MS, () => resolve({ kind: "late" }));
    block.then(
      (come) => {
        timer.cancel();
        resolve({ kind: "block", block: come });
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
