/**
 * A connection that is replaced when it is lost, with a breaker in front.
 *
 * Invariants:
 * - At most one connection is in use; it was greeted (run id known, a master) before anything is sent.
 * - A connection that is replaced is closed first and everything under way on it rejects, so nothing
 *   it still says is handed over.
 * - Nothing is sent unless the state is `ready`, except the probes of this file.
 * - Nothing is ever sent twice, but a script whose name the server did not know: it did nothing then.
 * - After `close` there is no socket, timer or listener.
 */
import type { Timer } from "../../core/clock.ts";
import { RedisError, reasonOf, refused, replyError } from "../errors.ts";
import type {
  LinkState,
  RedisArgument,
  RedisConnection,
  RedisDriver,
  RedisLink,
  RedisReply,
  RedisScript,
  RedisServer,
} from "../types.ts";
import { apartFromAnswers } from "./apart.ts";
import { BlockingCalls } from "./blocking.ts";
import { Calls } from "./calls.ts";
import { greet, isMaster } from "./greeting.ts";
import { KeepAlive } from "./keep-alive.ts";
import { type CheckedLinkOptions, retryDelayMs } from "./options.ts";
import { probe } from "./probe.ts";
import { replyRule } from "./rules.ts";
import { States } from "./states.ts";

interface InUse {
  readonly connection: RedisConnection;
  readonly server: RedisServer;
}

export class Link implements RedisLink {
  readonly #driver: RedisDriver;
  readonly #options: CheckedLinkOptions;
  readonly #states: States;
  readonly #calls: Calls;
  readonly #blocking: BlockingCalls;
  readonly #keepAlive = new KeepAlive();
  #inUse: InUse | undefined;
  #generation = 0;
  #attempts = 0;
  /** The next attempt, or the next role check. */
  #timer: Timer | undefined;

  constructor(driver: RedisDriver, options: CheckedLinkOptions) {
    this.#driver = apartFromAnswers(driver);
    this.#options = options;
    const { name, clock, timeoutMs } = options;
    this.#states = new States({ name, driver: driver.name, clock });
    this.#calls = new Calls(timeoutMs, clock, () => this.#timedOut());
    this.#blocking = new BlockingCalls(async () => (await this.#greeted()).connection, clock);
    void this.#attempt();
  }

  get state(): LinkState {
    return this.#states.current;
  }

  get server(): RedisServer | undefined {
    return this.state.kind === "ready" ? this.#inUse?.server : undefined;
  }

  get generation(): number {
    return this.#generation;
  }

  call(words: readonly RedisArgument[]): Promise<RedisReply> {
    const inUse = this.#sendable();
    if (inUse instanceof RedisError) return Promise.reject(inUse);
    return this.#under(inUse, words[0], sent(inUse.connection, words));
  }

  script(
    script: RedisScript,
    keys: readonly RedisArgument[],
    values: readonly RedisArgument[],
  ): Promise<RedisReply> {
    const inUse = this.#sendable();
    if (inUse instanceof RedisError) return Promise.reject(inUse);
    const { connection } = inUse;
    const rest = [String(keys.length), ...keys, ...values];
    const work = sent(connection, ["EVALSHA", script.sha, ...rest]).catch((error: unknown) => {
      if (replyError(error)?.kind !== "NOSCRIPT") throw error;
      return connection.call(["EVAL", script.source, ...rest]);
    });
    return this.#under(inUse, script.name, work);
  }

  async block(words: readonly RedisArgument[], waitMs: number): Promise<RedisReply> {
    if (this.state.kind !== "ready") throw this.#unavailable();
    return await this.#blocking.call(words, waitMs + this.#options.timeoutMs);
  }

  ready(): Promise<void> {
    if (this.state.kind === "ready") return Promise.resolve();
    if (this.state.kind === "closed") return Promise.reject(this.#unavailable());
    const waiting = new Promise<void>((resolve, reject) => {
      const stop = this.onState(({ kind }) => {
        if (kind !== "ready" && kind !== "closed") return;
        stop();
        if (kind === "ready") resolve();
        else reject(this.#unavailable());
      });
    });
    return this.#keepAlive.during(waiting);
  }

  onState(listener: (state: LinkState) => void): () => void {
    return this.#states.listen(listener);
  }

  async close(): Promise<void> {
    if (this.state.kind === "closed") return;
    this.#timer?.cancel();
    this.#release("the link was closed");
    this.#states.become("closed", undefined, { attempts: this.#attempts });
    this.#states.forgetListeners();
    // What has just been rejected releases its hold in the turns that follow.
    await new Promise((resolve) => setImmediate(resolve));
    this.#keepAlive.end();
  }

  /** What a call goes to now; why not, where nothing can be sent. */
  #sendable(): InUse | RedisError {
    const inUse = this.#inUse;
    if (inUse === undefined || this.state.kind !== "ready") return this.#unavailable();
    const { callsMax } = this.#options;
    if (this.#calls.size < callsMax) return inUse;
    return new RedisError("HST_REDIS_BUSY", `${callsMax} calls are under way.`);
  }

  /** What was sent: within its time, told to who listens, and a reason for the process to stay. */
  #under(
    inUse: InUse,
    name: RedisArgument | undefined,
    work: Promise<RedisReply>,
  ): Promise<RedisReply> {
    const told = this.#states.startCall(name);
    this.#keepAlive.hold();
    return this.#calls.run(work, (error) => {
      this.#keepAlive.release();
      const failed = error === undefined ? undefined : this.#failed(inUse, error);
      told?.(failed);
      return failed;
    });
  }

  /** The error to hand out, after what it says about the connection was heeded. */
  #failed(inUse: InUse, error: unknown): RedisError {
    if (error instanceof RedisError) return error;
    const because = reasonOf(error);
    const reply = replyError(error);
    if (reply === undefined) {
      // Not sent, or no answer can come any more: which is not known.
      return new RedisError("HST_REDIS_LOST", `The connection was lost: ${because}.`, {
        cause: error,
      });
    }
    switch (replyRule(reply.kind)) {
      case "refused":
        return refused(reply);
      case "paused":
        this.#suspect(inUse, because);
        break;
      case "elsewhere":
        this.#lost(inUse, because);
    }
    return new RedisError("HST_REDIS_UNAVAILABLE", `Redis answered: ${because}.`, {
      cause: error,
      reply: reply.kind,
    });
  }

  #unavailable(): RedisError {
    const { kind, because } = this.state;
    if (kind === "closed") return new RedisError("HST_REDIS_CLOSED", "The link is closed.");
    const why = because === undefined ? "" : `: ${because}`;
    return new RedisError("HST_REDIS_UNAVAILABLE", `Redis is not to be had now (${kind}${why}).`);
  }

  #timedOut(): RedisError {
    const because = `no answer within ${this.#options.timeoutMs} ms`;
    if (this.#inUse !== undefined) this.#suspect(this.#inUse, because);
    return new RedisError("HST_REDIS_TIMEOUT", `Redis gave ${because}.`);
  }

  #suspect(inUse: InUse, because: string): void {
    if (inUse !== this.#inUse || this.state.kind !== "ready") return;
    this.#become("suspect", because);
    void probe(inUse.connection, this.#options).then((answer) => {
      if (inUse !== this.#inUse) return;
      if (answer === "answered") this.#become("ready", undefined);
      else this.#lost(inUse, answer.because);
    });
  }

  /** This connection is not to be used any more; another is sought. */
  #lost(inUse: InUse, because: string): void {
    if (inUse !== this.#inUse) return;
    this.#release(because);
    this.#become("lost", because);
    this.#retry();
  }

  #release(because: string): void {
    this.#timer?.cancel();
    this.#inUse?.connection.close();
    this.#inUse = undefined;
    this.#blocking.drop(because);
    this.#calls.rejectAll(
      () => new RedisError("HST_REDIS_LOST", `The connection was lost: ${because}.`),
    );
  }

  #retry(): void {
    if (this.#attempts >= this.#options.retriesMax) return;
    const afterMs = retryDelayMs(this.#options, this.#attempts + 1);
    this.#timer = this.#options.clock.schedule(afterMs, () => void this.#attempt());
  }

  async #attempt(): Promise<void> {
    this.#attempts += 1;
    const generation = this.#generation;
    try {
      const found = await this.#greeted();
      if (this.state.kind === "closed") return found.connection.close();
      this.#inUse = found;
      this.#generation = generation + 1;
      this.#attempts = 0;
      found.connection.onLost((because) => this.#lost(found, because));
      this.#become("ready", undefined);
      this.#watchRole(found);
    } catch (error) {
      if (this.state.kind === "closed") return;
      const kind = this.#generation === 0 ? "connecting" : "lost";
      this.#become(kind, reasonOf(error));
      this.#retry();
    }
  }

  async #greeted(): Promise<InUse> {
    const { key, connectTimeoutMs, clock } = this.#options;
    const connection = await this.#driver.connect({ key, connectTimeoutMs });
    const limit = Promise.withResolvers<never>();
    const timer = clock.schedule(connectTimeoutMs, () =>
      limit.reject(new Error(`${connection.address} does not answer`)),
    );
    try {
      const server = await Promise.race([greet(connection, key), limit.promise]);
      return { connection, server };
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** A master that was made a replica goes on answering reads, with what is not news any more. */
  #watchRole(inUse: InUse): void {
    this.#timer = this.#options.clock.schedule(this.#options.roleCheckMs, () => {
      if (inUse !== this.#inUse) return;
      this.#watchRole(inUse);
      if (this.state.kind !== "ready") return;
      this.#calls.run(inUse.connection.call(["ROLE"])).then(
        (role) => {
          if (!isMaster(role)) this.#lost(inUse, `${inUse.server.address} is a replica now`);
        },
        (error: unknown) => void this.#failed(inUse, error),
      );
      // Where nobody says, it goes on as it is.
      inUse.connection.standing?.().then(
        (because) => because !== undefined && this.#lost(inUse, because),
        () => undefined,
      );
    });
  }

  #become(kind: LinkState["kind"], because: string | undefined): void {
    const address = this.#inUse?.server.address;
    this.#states.become(kind, because, { attempts: this.#attempts, address });
  }
}

/** A driver of one's own may throw where it should reject. */
function sent(connection: RedisConnection, words: readonly RedisArgument[]): Promise<RedisReply> {
  try {
    return connection.call(words);
  } catch (error) {
    return Promise.reject(error);
  }
}
