/**
 * One watched connection: statements in the order of execution, each understood before the next.
 *
 * Invariants:
 * - A text is looked up at the call, and again when it is sent if its connection has changed: what
 *   it means is what it meant to the catalog then. If what precedes it changed the connection in
 *   between, it is not understood.
 * - A statement ends when the server is ready for the next one (or will never be); only then the
 *   transaction status after it is known.
 * - Results reach their callers in order: what waits for its write to settle holds up what follows.
 */
import { untraced } from "../../core/trace/index.ts";
import type { Analysis } from "../statements/analysis.ts";
import { CAUSES } from "./causes.ts";
import { judge } from "./judge.ts";
import { OwnWritesOf } from "./own-writes-of.ts";
import { RunRecorder } from "./recorder.ts";
import type { Run, Ticket } from "./run.ts";
import { type Family, SessionState } from "./session-state.ts";
import type { WireMessage } from "./shapes.ts";
import type { Watching } from "./watching.ts";

export interface Call {
  readonly text: string | undefined;
  readonly values: readonly unknown[];
  readonly name: string | undefined;
  readonly ticket: Ticket;
  /** Whether the caller is the pool itself, which waits by the ticket. */
  readonly byPool: boolean;
  readonly noText: string;
}

const NAMES_MAX = 5_000;
const PREPARES = /\bprepare\b/i;

export class Connection {
  readonly state: SessionState;
  readonly recorder: RunRecorder;
  readonly #watching: Watching;
  readonly #writes: OwnWritesOf;
  readonly #onHeld: (until: Promise<void>) => void;
  /** Sent and not ended, oldest first; undefined for what hasten asks itself. */
  #sent: (Run | undefined)[] = [];
  /** Texts of named statements. */
  readonly #names = new Map<string, string>();
  /** A text prepared statements: names mean what the driver does not know. */
  #prepares = false;
  #tail: Promise<void> | undefined;

  /** @param onHeld called with the end of each time in which results are held back */
  constructor(watching: Watching, family: Family, onHeld: (until: Promise<void>) => void) {
    this.#watching = watching;
    this.#onHeld = onHeld;
    this.state = new SessionState(family);
    this.recorder = new RunRecorder(watching.clock);
    this.#writes = new OwnWritesOf(watching.source, () =>
      watching.tell({ kind: "queued", detail: "an own write has not come back in time" }),
    );
  }

  /** A statement is called for. */
  begin(call: Call): Run {
    const { clock, source: currentSource, analyzer: currentAnalyzer } = this.#watching;
    const { ticket } = call;
    const source = currentSource();
    const text = call.text ?? (call.name === undefined ? undefined : this.#names.get(call.name));
    const analyzer = currentAnalyzer();
    const run: Run = {
      text: text ?? "",
      name: call.name,
      byName: call.text === undefined,
      values: call.values,
      trace: ticket.trace,
      adrift: ticket.adrift,
      record: ticket.record,
      ticket: call.byPool ? ticket : undefined,
      unknownText: text === undefined ? call.noText : undefined,
      source,
      trust: source.trust,
      analyzer,
      calledMs: clock.nowMs(),
      calledSeq: this.#watching.sequenceNow(),
      analysis: undefined,
      late: false,
      pending: undefined,
      session: this.state.session,
      sent: false,
      finished: false,
      outcome: "running",
      status: undefined,
      committed: false,
      completed: "",
      answer: undefined,
      rows: 0,
      error: undefined,
      replayed: undefined,
      met: undefined,
      onFinished: undefined,
      wait: undefined,
    };
    run.trace?.began();
    if (text === undefined) run.analysis = opaque(call.noText);
    else this.#lookUp(run);
    run.late = run.analysis === undefined;
    return run;
  }

  /** It is on the wire: the server will say when it is ready for the next. */
  sent(run: Run | undefined, values?: readonly unknown[]): void {
    this.#sent.push(run);
    if (run === undefined) return;
    run.sent = true;
    this.recorder.sent(run);
    if (values !== undefined) run.values = [...values];
    if (run.name !== undefined) this.#named(run, run.name);
    else if (isOfSession(run) && PREPARES.test(run.text)) this.#prepares = true;
    if (run.session === this.state.session || run.unknownText !== undefined) return;
    run.session = this.state.session;
    this.#lookUp(run);
    run.late ||= run.analysis === undefined;
  }

  /** The server is ready for the next statement. */
  ready({ status }: WireMessage): void {
    const run = this.#sent.shift();
    if (run === undefined) return;
    run.status = status;
    if (run.outcome === "running") run.outcome = "answered";
    if (run.finished) this.#again(run);
    else this.finish(run);
  }

  /** The connection ended: nothing more comes. */
  ended(): void {
    const left = this.#sent;
    this.#sent = [];
    for (const run of left) {
      if (run === undefined || run.finished) continue;
      // Even one that was refused: of several in one text some may stand.
      run.outcome = "lost";
      this.finish(run);
    }
  }

  /** Applies a statement that ended, in its turn. `run.wait` says until when its caller waits. */
  finish(run: Run): void {
    if (run.finished) return;
    run.finished = true;
    run.onFinished?.();
    if (this.#tail === undefined && run.analysis !== undefined) {
      const settled = this.#apply(run);
      if (settled !== undefined) run.wait = this.#hold(settled);
    } else {
      const before = this.#tail ?? Promise.resolve();
      run.wait = this.#hold(before.then(() => this.#inTurn(run)));
    }
  }

  /** Resolves once it is applied, or waits for its turn: `run.wait` is known then. */
  finished(run: Run): Promise<void> {
    const done = Promise.withResolvers<void>();
    run.onFinished = done.resolve;
    return done.promise;
  }

  /** One given up on ended after all: what it wrote stands now. */
  #again(run: Run): void {
    const before = this.#tail ?? Promise.resolve();
    void this.#hold(before.then(() => this.#writes.apply(run, this.state)));
  }

  async #inTurn(run: Run): Promise<void> {
    run.analysis ??= await run.pending!;
    await this.#apply(run);
  }

  #apply(run: Run): Promise<void> | undefined {
    if (run.session !== this.state.session && run.analysis?.kind === "read")
      run.analysis = opaque(CAUSES.changedSession, false);
    judge(run, this.state, this.#watching);
    const settled = this.#writes.apply(run, this.state);
    this.state.apply(run);
    this.#watching.ended(run);
    run.trace?.ended();
    return settled;
  }

  #lookUp(run: Run): void {
    run.analysis = run.analyzer.peek(run.text, run.session);
    if (run.analysis === undefined) run.pending = this.#analyse(run);
  }

  #analyse(run: Run): Promise<Analysis> {
    return untraced(() => run.analyzer.analyse(run.text, run.session)).catch(() =>
      opaque("a statement that could not be analysed"),
    );
  }

  #hold(work: Promise<void>): Promise<void> {
    const mine: Promise<void> = work
      .catch((error: unknown) => this.#watching.broken(error))
      .then(() => {
        if (this.#tail === mine) this.#tail = undefined;
      });
    this.#tail = mine;
    this.#onHeld(mine);
    return mine;
  }

  /** The driver refuses another text under a name in use: what was sent is what the name means. */
  #named(run: Run, name: string): void {
    if (!run.byName) this.#remember(name, run.text);
    if (run.unknownText !== undefined) return;
    if (!this.#prepares && this.#names.get(name) === run.text) return;
    run.unknownText = CAUSES.noText;
    run.analysis = opaque(CAUSES.noText);
  }

  #remember(name: string, text: string): void {
    if (this.#names.size >= NAMES_MAX) this.#names.clear();
    this.#names.set(name, text);
  }
}

function isOfSession({ analysis }: Run): boolean {
  return analysis === undefined || analysis.kind === "session" || analysis.kind === "opaque";
}

function opaque(because: string, mayWrite = true): Analysis {
  return { kind: "opaque", because, mayWrite, stateful: false };
}
