import { randomUUID } from "node:crypto";
import { type Sql, sql, type Tx } from "hasten/postgres";
import { hashPassword } from "../auth/password.ts";
import type { ApiStorage } from "../deps.ts";
import { mergePatch } from "../http/json.ts";
import { validBody } from "../http/validate.ts";
import { constraintProblem } from "./constraints.ts";
import { type Document, noDocument, selectList, tableOf } from "./document.ts";
import type { Resource } from "./resource.ts";
import { requireVersion } from "./version.ts";

/**
 * Writes to one resource. Each is one transaction; when it resolves it has committed, and this process
 * serves nothing that it made untrue.
 */
export interface Writes {
  create(input: Input): Promise<Document>;
  replace(target: Target, input: Input): Promise<Document>;
  patch(target: Target, patch: unknown): Promise<Document>;
  remove(target: Target): Promise<void>;
}

export type Input = Readonly<Record<string, unknown>>;

/** Which document, and which versions of it the client has seen (undefined: any). */
export interface Target {
  readonly id: string;
  readonly versions: readonly number[] | undefined;
}

export function writesOf(resource: Resource, storage: ApiStorage): Writes {
  const table = tableOf(resource);
  const columns = selectList(resource);
  const transaction = async <T>(
    work: (tx: Tx) => Promise<T>,
    { deleting = false } = {},
  ): Promise<T> => {
    try {
      return await storage.write((db) => db.transaction(work));
    } catch (error) {
      throw constraintProblem(error, deleting) ?? error;
    }
  };
  const update = async (tx: Tx, id: string, input: Input): Promise<Document> => {
    const { document, password } = split(input);
    const [updated] = await tx.query<Document>(sql`
      update ${table} set document = ${sql.json(document)}, version = version + 1,
        updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
      where id = ${id} returning ${columns}`);
    await keepPassword(tx, id, password);
    return updated!;
  };

  return {
    create: (input) =>
      transaction(async (tx) => {
        const { document, password } = split(input);
        const id = randomUUID();
        const [created] = await tx.query<Document>(sql`
          insert into ${table} (id, document) values (${id}, ${sql.json(document)})
          returning ${columns}`);
        await keepPassword(tx, id, password);
        return created!;
      }),
    replace: (target, input) =>
      transaction(async (tx) => {
        await lock(tx, resource, table, target);
        return update(tx, target.id, input);
      }),
    patch: (target, patch) =>
      transaction(async (tx) => {
        const current = await lock(tx, resource, table, target);
        return update(tx, target.id, validBody(resource.input, mergePatch(current, patch)));
      }),
    remove: (target) =>
      transaction(
        async (tx) => {
          await lock(tx, resource, table, target);
          await tx.query(sql`delete from ${table} where id = ${target.id}`);
        },
        { deleting: true },
      ),
  };
}

/** Locks the row and gives its document. @throws a 404 or 412 problem */
async function lock(tx: Tx, resource: Resource, table: Sql, target: Target): Promise<unknown> {
  const [found] = await tx.query<{ document: unknown; version: number }>(sql`
    select document, version from ${table} where id = ${target.id} for update`);
  if (found === undefined) throw noDocument(resource);
  requireVersion(target.versions, found.version);
  return found.document;
}

/** A password is never part of a document. */
function split(input: Input): { document: Input; password: string | undefined } {
  const { password, ...document } = input;
  return { document, password: typeof password === "string" ? password : undefined };
}

async function keepPassword(tx: Tx, userId: string, password: string | undefined): Promise<void> {
  if (password === undefined) return;
  const hash = await hashPassword(password);
  await tx.query(sql`
    insert into user_credentials (user_id, password_hash) values (${userId}, ${hash})
    on conflict (user_id) do update set password_hash = excluded.password_hash, updated_at = now()`);
}
