import type { ErrorRequestHandler, Request, Response } from "express";
import { HastenError } from "../core/errors.ts";
import { PROBLEM_CONTENT_TYPE, type Problem, ProblemError } from "../core/problem.ts";

export interface ProblemsOptions {
  /** Told of every error that becomes a 5xx, with what the client is not told. */
  readonly onError?: (error: unknown, req: Request) => void;
  /** Turns errors of your own into problems; `undefined` leaves them to the defaults. */
  readonly toProblem?: (error: unknown, req: Request) => Problem | ProblemError | undefined;
}

/**
 * Renders errors as problem details (RFC 9457). ProblemError as it says; errors of body parsers
 * and routers by their 4xx status; everything else as a 500 that tells nothing about itself.
 * Mount it last.
 */
export function problems(options: ProblemsOptions = {}): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    // The answer has begun: only Express can still end the connection.
    if (res.headersSent) {
      next(error);
      return;
    }
    const answer = toAnswer(options.toProblem?.(error, req) ?? error);
    if (answer.problem.status >= 500) options.onError?.(error, req);
    send(res, answer, req);
  };
}

interface Answer {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
}

const BLANK = "about:blank";
const INTERNAL: Answer = {
  problem: { type: BLANK, title: "Internal Server Error", status: 500 },
  headers: {},
};

function toAnswer(error: unknown): Answer {
  if (error instanceof ProblemError) return { problem: error.problem, headers: error.headers };
  if (isProblem(error)) return { problem: error, headers: {} };
  // A mistake of the program: its code helps to find it and tells an attacker nothing.
  if (error instanceof HastenError) {
    return { problem: { ...INTERNAL.problem, code: error.code }, headers: {} };
  }
  return clientError(error) ?? INTERNAL;
}

function isProblem(error: unknown): error is Problem {
  if (typeof error !== "object" || error === null || error instanceof Error) return false;
  return "type" in error && "title" in error && "status" in error;
}

/** Body parsers and routers throw errors with a 4xx `status` and, where it may be shown, `expose`. */
interface StatusError {
  readonly status?: unknown;
  readonly expose?: unknown;
  readonly type?: unknown;
  readonly limit?: unknown;
}

const TITLES: Readonly<Record<string, string>> = {
  "entity.parse.failed": "Malformed body",
  "entity.too.large": "Body too large",
  "encoding.unsupported": "Unsupported content encoding",
  "charset.unsupported": "Unsupported charset",
  "parameters.too.many": "Too many parameters",
  "request.size.invalid": "Body does not match its length",
  "request.aborted": "Request aborted",
};

function clientError(error: unknown): Answer | undefined {
  if (!(error instanceof Error)) return undefined;
  const { status, expose, type, limit } = error as StatusError;
  if (typeof status !== "number" || status < 400 || status > 499) return undefined;
  const title = (typeof type === "string" ? TITLES[type] : undefined) ?? titleOf(status);
  const detail = detailOf(error, { expose, type, limit });
  const problem = { type: BLANK, title, status, ...(detail === undefined ? {} : { detail }) };
  return { problem, headers: {} };
}

function detailOf(error: Error, about: StatusError): string | undefined {
  if (about.type === "entity.too.large" && typeof about.limit === "number") {
    return `The body may have at most ${about.limit} bytes.`;
  }
  if (about.type === "entity.parse.failed") return "The body is not valid JSON.";
  return about.expose === true ? error.message : undefined;
}

const STATUS_TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
};

function titleOf(status: number): string {
  return STATUS_TITLES[status] ?? "Request failed";
}

function send(res: Response, { problem, headers }: Answer, req: Request): void {
  // Fields of an answer that will not be sent would describe the wrong body.
  for (const name of ["Content-Encoding", "ETag", "Last-Modified", "Content-Length"]) {
    res.removeHeader(name);
  }
  res.status(problem.status);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.setHeader("Content-Type", PROBLEM_CONTENT_TYPE);
  res.setHeader("Cache-Control", "no-store");
  const instance = problem.instance ?? req.originalUrl.split("?", 1)[0]!;
  const body = Buffer.from(JSON.stringify({ ...problem, instance }));
  res.setHeader("Content-Length", body.length);
  res.end(req.method === "HEAD" ? undefined : body);
}
