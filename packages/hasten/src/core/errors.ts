/**
 * An error a caller can act on: what was expected, what came, and what to do about it.
 * Codes are append-only: one that is retired stays reserved.
 */
export class HastenError extends Error {
  /** Stable and machine-readable, for example `HST_CACHE_TTL`. */
  readonly code: string;
  /** One sentence saying what to do. */
  readonly fix: string;

  constructor(code: string, message: string, fix: string, options?: ErrorOptions) {
    super(`${message} ${fix} [${code}]`, options);
    this.name = "HastenError";
    this.code = code;
    this.fix = fix;
  }
}
