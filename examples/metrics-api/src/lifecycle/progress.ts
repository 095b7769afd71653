import type { Log } from "./log.ts";

export interface ProgressLine {
  show(progress: { readonly kind: string; readonly done: number; readonly of: number }): void;
  end(sentence: string): void;
}

const SHOW_EVERY_MS = 1_000;
const CLEAR_LINE = "\r\u001b[K";

/** One line that counts up at a terminal; elsewhere a line now and then. */
export function progressLine(log: Log, out: NodeJS.WriteStream = process.stdout): ProgressLine {
  let shownMs = performance.now();
  let dirty = false;
  return {
    show({ kind, done, of }) {
      const text = `making demo rows: ${kind} ${done.toLocaleString("en")} of ${of.toLocaleString("en")}`;
      if (out.isTTY) {
        out.write(`${CLEAR_LINE}${text}`);
        dirty = true;
        return;
      }
      if (performance.now() - shownMs < SHOW_EVERY_MS && done < of) return;
      shownMs = performance.now();
      log.info(text);
    },
    end(sentence) {
      if (dirty) out.write(CLEAR_LINE);
      log.info(sentence);
    },
  };
}
