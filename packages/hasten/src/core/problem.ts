/**
 * Problem details for HTTP APIs (RFC 9457). `type` is a URI reference that identifies the kind of
 * problem; extension members sit beside the standard ones.
 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly instance?: string;
  readonly [extension: string]: unknown;
}

export const PROBLEM_CONTENT_TYPE = "application/problem+json";

/** An error that knows the problem it should become. Thrown by edges, rendered by adapters. */
export class ProblemError extends Error {
  readonly problem: Problem;
  /** Extra response headers, for example `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    problem: Problem,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(problem.detail ?? problem.title, options);
    this.name = "ProblemError";
    this.problem = problem;
    this.headers = headers;
  }
}
