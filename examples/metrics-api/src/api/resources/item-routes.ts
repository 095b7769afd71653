import { sql } from "hasten/postgres";
import { z } from "zod";
import type { ApiStorage } from "../deps.ts";
import {
  type Call,
  JSON_TYPE,
  MERGE_PATCH_TYPE,
  type Reply,
  type Route,
  route,
} from "../http/route.ts";
import type { CachePolicy } from "./cache-policy.ts";
import { type Document, documentId, noDocument, selectList, tableOf } from "./document.ts";
import { fieldsParameter } from "./fields.ts";
import { READ } from "./read-options.ts";
import type { Resource } from "./resource.ts";
import { acceptedVersions, versionEtag } from "./version.ts";
import { type Input, type Target, writesOf } from "./write.ts";

export interface RouteParts {
  readonly storage: ApiStorage;
  readonly policy: CachePolicy;
}

/** Create, read, replace, patch and delete: the routes of one document of a resource. */
export function itemRoutes(resource: Resource, parts: RouteParts): Route[] {
  const { singular, name } = resource;
  const writes = writesOf(resource, parts.storage);
  const item = `/api/v1/${name}/{id}`;
  const common = { tag: name, access: resource.writeRole };
  const changed = { 200: { description: `The ${singular}.`, schema: resource.output } };
  const failures = {
    404: { description: "Unknown id." },
    412: { description: "The stored version is another than If-Match says." },
  };
  const body = <S extends z.ZodType>(schema: S, ...types: string[]) => ({ schema, types });

  return [
    route({
      ...common,
      method: "post",
      path: `/api/v1/${name}`,
      summary: `Create ${withArticle(singular)}`,
      body: body(resource.input, JSON_TYPE),
      replies: { 201: { description: "Created.", schema: resource.output } },
      async handle({ body }) {
        const created = await writes.create(body as Input);
        return { status: 201, ...shown(created, { Location: `/api/v1/${name}/${created.id}` }) };
      },
    }),
    readRoute(resource, parts),
    route({
      ...common,
      method: "put",
      path: item,
      summary: `Replace ${withArticle(singular)}`,
      body: body(resource.input, JSON_TYPE),
      replies: { ...changed, ...failures },
      handle: async (call) =>
        shown(await writes.replace(targetOf(resource, call), call.body as Input)),
    }),
    route({
      ...common,
      method: "patch",
      path: item,
      summary: `Change ${withArticle(singular)} by JSON merge patch (RFC 7396)`,
      body: body(mergePatchOf(resource), MERGE_PATCH_TYPE, JSON_TYPE),
      replies: { ...changed, ...failures },
      handle: async (call) => shown(await writes.patch(targetOf(resource, call), call.body)),
    }),
    route({
      ...common,
      method: "delete",
      path: item,
      summary: `Delete ${withArticle(singular)}`,
      replies: { 204: { description: "Deleted." }, ...failures },
      async handle(call) {
        await writes.remove(targetOf(resource, call));
        return { status: 204 };
      },
    }),
  ];
}

function readRoute(resource: Resource, parts: RouteParts): Route {
  const { storage, policy } = parts;
  const columns = selectList(resource);
  return route({
    method: "get",
    path: `/api/v1/${resource.name}/{id}`,
    summary: `Read ${withArticle(resource.singular)}`,
    tag: resource.name,
    access: resource.readRole,
    query: z.strictObject({ fields: fieldsParameter(resource) }),
    replies: {
      200: { description: `The ${resource.singular}.`, schema: resource.output },
      404: { description: "Unknown id." },
    },
    cache: policy.item(resource),
    async handle({ params, query }) {
      const { fields } = query;
      const id = documentId(resource, params["id"]);
      const selected = fields === undefined ? columns : selectList(resource, fields);
      const found = await storage
        .current()
        .queryOne<Document>(
          sql`select ${selected} from ${tableOf(resource)} where id = ${id}`,
          READ,
        );
      if (found === undefined) throw noDocument(resource);
      return fields === undefined ? shown(found) : { body: found };
    },
  });
}

/** What a patch may hold: any part of the document; the merged result is then checked whole. */
const mergePatchOf = (resource: Resource): z.ZodType =>
  z.looseObject({}).describe(`Members of ${resource.singular} to change; null removes one.`);

const shown = (document: Document, headers: Record<string, string> = {}): Reply => ({
  headers: { ...headers, ETag: versionEtag(document.version) },
  body: document,
});

const targetOf = (resource: Resource, { params, req }: Call): Target => ({
  id: documentId(resource, params["id"]),
  versions: acceptedVersions(req.headers["if-match"]),
});

/** For the names there are: "an objective", "a user". */
const withArticle = (name: string): string => `${/^[aeio]/.test(name) ? "an" : "a"} ${name}`;
