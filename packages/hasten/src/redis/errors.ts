import { HastenError } from "../core/errors.ts";

export type RedisErrorCode =
  | "HST_REDIS_BUSY"
  | "HST_REDIS_CLOSED"
  | "HST_REDIS_DRIVER"
  | "HST_REDIS_LOST"
  | "HST_REDIS_OPTION"
  | "HST_REDIS_REFUSED"
  | "HST_REDIS_TIMEOUT"
  | "HST_REDIS_UNAVAILABLE";

const FIXES: Readonly<Record<RedisErrorCode, string>> = {
  HST_REDIS_BUSY: "Shed load earlier, or raise callsMax.",
  HST_REDIS_CLOSED: "Use nothing of a link after close().",
  HST_REDIS_DRIVER: "Run `npm install redis` (or ioredis), or pass a client of one of them.",
  HST_REDIS_LOST: "Whether the server did it is not known; the link reconnects by itself.",
  HST_REDIS_OPTION: "Pass a value within the bounds or leave it out.",
  HST_REDIS_REFUSED: "The server said no and did nothing; its own words say why.",
  HST_REDIS_TIMEOUT:
    "Whether the server did it is not known. Look at the server's load and slow log.",
  HST_REDIS_UNAVAILABLE: "Nothing was done. The link reconnects by itself; check the server.",
};

/** What went wrong with Redis. Messages hold addresses, never passwords or values. */
export class RedisError extends HastenError {
  declare readonly code: RedisErrorCode;
  /** The first word of what the server answered: `READONLY`, `OOM`, `WRONGTYPE`, … */
  readonly reply: string | undefined;

  constructor(
    code: RedisErrorCode,
    message: string,
    options: ErrorOptions & { readonly reply?: string; readonly fix?: string } = {},
  ) {
    super(code, message, options.fix ?? FIXES[code], options);
    this.name = "RedisError";
    this.reply = options.reply;
  }

  /** Whether the command may have taken effect: it was sent, and its answer never came. */
  get outcomeUnknown(): boolean {
    return this.code === "HST_REDIS_LOST" || this.code === "HST_REDIS_TIMEOUT";
  }
}

/** The server answered a command with an error: it did nothing. */
export class RedisReplyError extends Error {
  /** Its first word. */
  readonly kind: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RedisReplyError";
    this.kind = /^[A-Z]+/.exec(message)?.[0] ?? "ERR";
  }
}

const SERVER_ERRORS = new Set([
  "RedisReplyError",
  "ReplyError",
  "ErrorReply",
  "SimpleError",
  "BlobError",
]);

/** The server's answer, where an error of a client library is one. */
export function replyError(error: unknown): RedisReplyError | undefined {
  if (error instanceof RedisReplyError) return error;
  if (!(error instanceof Error)) return undefined;
  const named = SERVER_ERRORS.has(error.name) || SERVER_ERRORS.has(error.constructor.name);
  if (!named) return undefined;
  return new RedisReplyError(withoutPassword(error.message), { cause: error });
}

/** For a command that the server did not do, while everything else goes on. */
export function refused(reply: RedisReplyError): RedisError {
  return new RedisError("HST_REDIS_REFUSED", `Redis answered: ${reply.message}.`, {
    cause: reply,
    reply: reply.kind,
  });
}

/** What an error says, on one line, without the credentials that a URL in it may hold. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map(reasonOf).join("; ");
  }
  const text = error instanceof Error ? error.message || error.name : String(error);
  return withoutPassword(text.split("\n")[0]!);
}

function withoutPassword(text: string): string {
  return text.replace(/\/\/[^\s/]*@/g, "//");
}
