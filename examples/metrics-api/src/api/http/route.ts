import type { Request, Response } from "express";
import type { CachedOptions } from "hasten/express";
import type { z } from "zod";
import type { Identity, Role } from "../auth/tokens.ts";

/** Who may call a route: everyone, anyone with a token, or holders of at least this role. */
export type Access = "public" | Role;

export interface BodySpec {
  readonly schema: z.ZodType;
  /** Media types accepted; anything else is 415. */
  readonly types: readonly string[];
}

export interface ReplySpec {
  readonly description: string;
  readonly schema?: z.ZodType;
}

/** What a handler gets: everything is checked before it runs. */
export interface Call<Q = unknown, B = unknown> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Q;
  readonly body: B;
  /** Undefined on public routes only. */
  readonly identity: Identity | undefined;
  readonly req: Request;
  readonly res: Response;
}

/** What a handler gives: rendered as JSON; no body with 204. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** One operation: the single source of the route, its checks and its page in the documentation. */
export interface Route {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** In OpenAPI form: `/api/v1/metrics/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly access: Access;
  readonly query?: z.ZodType;
  readonly body?: BodySpec;
  readonly replies: Readonly<Record<number, ReplySpec>>;
  readonly cache?: CachedOptions;
  handle(call: Call): Promise<Reply> | Reply;
}

interface TypedRoute<Q extends z.ZodType, B extends z.ZodType>
  extends Omit<Route, "query" | "body" | "handle"> {
  readonly query?: Q;
  readonly body?: { readonly schema: B; readonly types: readonly string[] };
  readonly handle: (call: Call<z.output<Q>, z.output<B>>) => Promise<Reply> | Reply;
}

/** Gives a handler the types of its own schemas. */
export const route = <Q extends z.ZodType = z.ZodType, B extends z.ZodType = z.ZodType>(
  typed: TypedRoute<Q, B>,
): Route => typed as unknown as Route;

export const JSON_TYPE = "application/json";
export const MERGE_PATCH_TYPE = "application/merge-patch+json";
