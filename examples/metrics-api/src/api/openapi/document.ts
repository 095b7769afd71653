import { z } from "zod";
import type { Route } from "../http/route.ts";
import { components, problem } from "../schema/common.ts";

type Json = Record<string, unknown>;

/**
 * The OpenAPI 3.1 document of the routes, from the schemas that validate: what is documented is
 * what is checked.
 */
export function openApiDocument(routes: readonly Route[]): Json {
  const used = new Set<string>(["Problem"]);
  const bodies = new Set<string>();
  for (const route of routes) {
    for (const reply of Object.values(route.replies)) collect(reply.schema, used);
    collect(route.body?.schema, bodies);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Metrics API",
      version: "1.0.0",
      description: "Definitions of business metrics, answered from hasten's cache.",
    },
    servers: [{ url: "/" }],
    components: {
      schemas: { ...schemas("output", reachable(used)), ...schemas("input", bodies) },
      securitySchemes: { token: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
    paths: paths(routes),
  };
}

function collect(schema: z.ZodType | undefined, into: Set<string>): void {
  const id = schema && components.get(schema)?.id;
  if (id !== undefined) into.add(id);
}

const REFERENCE = "#/components/schemas/";

function schemas(io: "input" | "output", ids: ReadonlySet<string>): Json {
  const all = componentSchemas(io);
  return Object.fromEntries(
    [...ids].sort().map((id) => {
      const { $schema: _dialect, $id: _uri, ...schema } = all[id]!;
      return [id, schema];
    }),
  );
}

const componentSchemas = (io: "input" | "output"): Record<string, Json> =>
  z.toJSONSchema(components, { io, uri: (id) => REFERENCE + id }).schemas as Record<string, Json>;

/** The given components and those they refer to. */
function reachable(ids: ReadonlySet<string>): Set<string> {
  const all = componentSchemas("output");
  const found = new Set(ids);
  for (const id of found) {
    for (const [, inner] of JSON.stringify(all[id]).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      found.add(inner!);
    }
  }
  return found;
}

function paths(routes: readonly Route[]): Json {
  const found: Record<string, Json> = {};
  for (const route of routes) {
    found[route.path] ??= {};
    found[route.path]![route.method] = operation(route);
  }
  return found;
}

function operation(route: Route): Json {
  const parameters = [...pathParameters(route.path), ...queryParameters(route.query)];
  return {
    summary: route.summary,
    operationId: operationId(route),
    tags: [route.tag],
    ...(route.access !== "public" && { security: [{ token: [] }] }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && {
      requestBody: {
        required: true,
        content: Object.fromEntries(
          route.body.types.map((type) => [
            type,
            { schema: reference(route.body!.schema, "input") },
          ]),
        ),
      },
    }),
    responses: responses(route),
  };
}

const operationId = (route: Route): string =>
  `${route.method}${route.path
    .replace("/api/v1", "")
    .replaceAll(/[{}.]/g, "")
    .replaceAll(/\/(\w)/g, (_, letter: string) => letter.toUpperCase())}`;

const pathParameters = (path: string): Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", format: "uuid" },
  }));

function queryParameters(query: z.ZodType | undefined): Json[] {
  if (query === undefined) return [];
  const schema = z.toJSONSchema(query, { io: "input", unrepresentable: "any" }) as {
    properties: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(schema.properties).map(([name, { description, ...rest }]) => ({
    name,
    in: "query",
    required: schema.required?.includes(name) ?? false,
    ...(description !== undefined && { description }),
    schema: rest,
  }));
}

function reference(schema: z.ZodType, io: "input" | "output"): Json {
  const id = components.get(schema)?.id;
  if (id !== undefined) return { $ref: REFERENCE + id };
  const { $schema: _dialect, ...inline } = z.toJSONSchema(schema, { io }) as Json;
  return inline;
}

function responses(route: Route): Json {
  const found: Json = {};
  for (const [status, reply] of Object.entries(route.replies)) {
    const failed = Number(status) >= 400;
    const schema = reply.schema ?? (failed ? problem : undefined);
    const type =
      failed && reply.schema === undefined ? "application/problem+json" : "application/json";
    found[status] = {
      description: reply.description,
      ...(schema && { content: { [type]: { schema: reference(schema, "output") } } }),
    };
  }
  found["default"] = {
    description: "A problem: see its `type`, `detail` and `errors`.",
    content: { "application/problem+json": { schema: reference(problem, "output") } },
  };
  return found;
}
