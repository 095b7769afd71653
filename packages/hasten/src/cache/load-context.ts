import type { Trace } from "../core/trace/index.ts";
import type { Entry } from "./entry.ts";
import type { Fill } from "./fill.ts";
import type { LoadRemarks } from "./load-options.ts";
import { checkOwnTags } from "./tags.ts";
import type { LoadContext } from "./types.ts";

const NO_REMARKS: LoadRemarks = {};
const NO_TAGS: readonly string[] = [];

/** The context of one load, with what the load said through it. */
export class LoadNotes implements LoadContext<unknown> {
  readonly key: string;
  skipped = false;
  remarks: LoadRemarks = NO_REMARKS;
  addedTags: readonly string[] = NO_TAGS;
  /** The entry this load is to replace, where it may still be served. */
  previous: Entry | undefined;
  readonly #fill: Fill | undefined;
  readonly #trace: Trace | undefined;
  #controller: AbortController | undefined;
  #abortedBy: unknown;

  constructor(
    key: string,
    previous: Entry | undefined,
    flight: { readonly fill: Fill; readonly trace: Trace | undefined } | undefined,
  ) {
    this.key = key;
    this.previous = previous;
    this.#fill = flight?.fill;
    this.#trace = flight?.trace;
  }

  /** Made when first asked for: most loads never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortedBy !== undefined) this.#controller.abort(this.#abortedBy);
    }
    return this.#controller.signal;
  }

  /** A load that makes its value of this one depends on what this one was made from. */
  get stale(): unknown {
    const { previous } = this;
    if (previous === undefined) return undefined;
    this.#trace?.read(previous.tags, undefined);
    for (const cause of previous.untracked) this.#trace?.untracked(cause);
    return previous.value;
  }

  skip(): void {
    this.skipped = true;
  }

  store(options: LoadRemarks & { readonly tags?: readonly string[] }): void {
    const { tags, ...remarks } = options;
    this.remarks = { ...this.remarks, ...remarks };
    if (tags === undefined) return;
    this.addedTags = [...this.addedTags, ...checkOwnTags(tags)];
    // Known to the fence from now on, so that an invalidation seals the flight at once.
    if (this.#fill !== undefined) this.#fill.tags = [...this.#fill.tags, ...tags];
  }

  abort(reason: unknown): void {
    this.#abortedBy ??= reason;
    this.#controller?.abort(reason);
  }
}
