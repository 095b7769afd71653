import { ProblemError } from "hasten/http";

/** One thing wrong with what the client sent. */
export interface FieldError {
  /** A JSON pointer into the body (`/tags/0`), or the name of a parameter. */
  readonly field: string;
  readonly message: string;
}

const TYPE_PREFIX = "urn:hasten:problem:";

interface Details {
  readonly slug: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

function problem(details: Details): ProblemError {
  const { slug, headers = {}, ...members } = details;
  return new ProblemError({ type: TYPE_PREFIX + slug, ...members }, headers);
}

export const invalidParameters = (errors: readonly FieldError[]): ProblemError =>
  problem({
    slug: "invalid-parameters",
    title: "Invalid parameters",
    status: 400,
    detail: "Some parameters of the request are not accepted.",
    errors,
  });

export const invalidBody = (errors: readonly FieldError[]): ProblemError =>
  problem({
    slug: "invalid-body",
    title: "Invalid body",
    status: 400,
    detail: "The body does not have the expected shape. Nothing was changed.",
    errors,
  });

export const malformedJson = (detail: string): ProblemError =>
  problem({ slug: "malformed-json", title: "Malformed JSON", status: 400, detail });

export const bodyTooLarge = (bytesMax: number): ProblemError =>
  problem({
    slug: "body-too-large",
    title: "Body too large",
    status: 413,
    detail: `The body may hold at most ${bytesMax} bytes. Nothing was changed.`,
  });

export const unsupportedMediaType = (accepted: readonly string[]): ProblemError =>
  problem({
    slug: "unsupported-media-type",
    title: "Unsupported media type",
    status: 415,
    detail: `Send the body as ${accepted.join(" or ")}, in UTF-8 and without a content coding.`,
  });

export const unauthorized = (detail: string, error?: "invalid_token"): ProblemError =>
  problem({
    slug: "unauthorized",
    title: "Unauthorized",
    status: 401,
    detail,
    headers: {
      "WWW-Authenticate": `Bearer realm="metrics-api"${error ? `, error="${error}"` : ""}`,
    },
  });

export const forbidden = (role: string): ProblemError =>
  problem({
    slug: "forbidden",
    title: "Forbidden",
    status: 403,
    detail: `This needs the role "${role}".`,
    headers: {
      "WWW-Authenticate": `Bearer realm="metrics-api", error="insufficient_scope", scope="${role}"`,
    },
  });

export const notFound = (detail: string): ProblemError =>
  problem({ slug: "not-found", title: "Not found", status: 404, detail });

export const methodNotAllowed = (allowed: readonly string[]): ProblemError =>
  problem({
    slug: "method-not-allowed",
    title: "Method not allowed",
    status: 405,
    detail: `This resource answers to ${allowed.join(", ")}.`,
    headers: { Allow: allowed.join(", ") },
  });

export const conflict = (detail: string, errors: readonly FieldError[] = []): ProblemError =>
  problem({
    slug: "conflict",
    title: "Conflict",
    status: 409,
    detail,
    ...(errors.length > 0 && { errors }),
  });

export const preconditionFailed = (version: number): ProblemError =>
  problem({
    slug: "precondition-failed",
    title: "Precondition failed",
    status: 412,
    detail: `The stored version is ${version}: read it again before writing. Nothing was changed.`,
  });

export const tooManyAttempts = (retryAfterMs: number): ProblemError =>
  problem({
    slug: "too-many-attempts",
    title: "Too many attempts",
    status: 429,
    detail: "Too many failed logins for this account from this address.",
    headers: { "Retry-After": retryAfter(retryAfterMs) },
  });

export const unavailable = (detail: string, retryAfterMs: number, cause?: unknown): ProblemError =>
  new ProblemError(
    { type: `${TYPE_PREFIX}unavailable`, title: "Service unavailable", status: 503, detail },
    { "Retry-After": retryAfter(retryAfterMs) },
    { cause },
  );

/** Whole seconds, rounded up: `Retry-After` has no smaller unit (RFC 9110 §10.2.3). */
const retryAfter = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1_000)));

/** A change of storage that was refused, with its reason as a member. */
export const refused = (status: number, reason: string, detail: string): ProblemError =>
  new ProblemError(
    {
      type: `${TYPE_PREFIX}storage-${reason}`,
      title: "The storage was not switched",
      status,
      detail,
      reason,
    },
    status === 503 ? { "Retry-After": retryAfter(1_000) } : {},
  );
