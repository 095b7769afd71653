import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aMetric, cacheOf, type Fixture, startFixture } from "./fixture.ts";

/** What the API must say, kept as plainly as possible: documents by id, the newest update last. */
class Model {
  readonly documents = new Map<string, Record<string, unknown>>();

  write(document: Record<string, unknown>): void {
    const id = document["id"] as string;
    this.documents.delete(id);
    this.documents.set(id, document);
  }

  list(where: (document: Record<string, unknown>) => boolean): string[] {
    return [...this.documents.values()]
      .filter(where)
      .reverse()
      .map((document) => document["id"] as string);
  }

  at(index: number): string | undefined {
    const ids = [...this.documents.keys()].sort();
    return ids[index % Math.max(1, ids.length)];
  }
}

const category = fc.constantFrom("red", "green", "blue");
const tags = fc.uniqueArray(fc.constantFrom("a", "b", "c"), { maxLength: 3 });
const index = fc.nat(9);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("create" as const), category, tags }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("patch" as const), index, category }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("replace" as const), index, category, tags }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stale write" as const), index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("read" as const), index }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("list" as const), category }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("by tag" as const), tags }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("walk" as const),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("count" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

let api: Fixture;
let runs = 0;
let hits = 0;

beforeAll(async () => {
  api = await startFixture();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

/** Reads twice, as what is answered from the cache must be the same. */
async function read(path: string) {
  await api.call("GET", path);
  const answer = await api.call("GET", path);
  if (cacheOf(answer) === "HIT") hits++;
  return answer;
}

const idsOf = (answer: { body: { data: { id: string }[] } }): string[] =>
  answer.body.data.map(({ id }) => id);

async function follow(model: Model, run: string, now: Step): Promise<void> {
  const scope = `/api/v1/metrics?business_domain=${run}`;
  const id = "index" in now ? model.at(now.index) : undefined;
  const item = `/api/v1/metrics/${id}`;
  const as = "editor" as const;
  if ("index" in now && id === undefined) return;
  switch (now.do) {
    case "create": {
      const body = aMetric({ business_domain: run, category: now.category, tags: now.tags });
      model.write((await api.call("POST", "/api/v1/metrics", { as, body })).body);
      return;
    }
    case "patch":
      model.write((await api.call("PATCH", item, { as, body: { category: now.category } })).body);
      return;
    case "replace": {
      const body = aMetric({ business_domain: run, category: now.category, tags: now.tags });
      const replaced = (await api.call("PUT", item, { as, body })).body;
      expect(replaced).toMatchObject(body);
      model.write(replaced);
      return;
    }
    case "delete":
      expect((await api.call("DELETE", item, { as })).status).toBe(204);
      model.documents.delete(id!);
      expect((await read(item)).status).toBe(404);
      return;
    case "stale write": {
      const headers = { "if-match": '"v0"' };
      const answer = await api.call("PATCH", item, { as, body: { owner: "x" }, headers });
      expect(answer.status).toBe(412);
      return;
    }
    case "read":
      expect((await read(item)).body).toEqual(model.documents.get(id!));
      return;
    case "list": {
      const expected = model.list((one) => one["category"] === now.category);
      const answer = await read(`${scope}&category=${now.category}`);
      expect(idsOf(answer)).toEqual(expected);
      expect(answer.body.data).toEqual(expected.map((one) => model.documents.get(one)));
      return;
    }
    case "by tag": {
      if (now.tags.length === 0) return;
      const any = (one: Record<string, unknown>) =>
        now.tags.some((tag) => (one["tags"] as string[]).includes(tag));
      expect(idsOf(await read(`${scope}&tags=${now.tags}`))).toEqual(model.list(any));
      return;
    }
    case "walk": {
      const found: string[] = [];
      let cursor = "";
      do {
        const answer = await read(`${scope}&cursor=${cursor}&limit=${now.limit}`);
        found.push(...idsOf(answer));
        cursor = answer.body.pagination.next;
      } while (cursor !== null);
      expect(found).toEqual(model.list(() => true));
      return;
    }
    case "count": {
      const { body } = await read("/api/v1/metrics/stats");
      const { rows } = await api.client.query("select count(*)::int as total from metrics");
      expect(body.total).toBe(rows[0].total);
      return;
    }
    default:
      now satisfies never;
  }
}

test("any sequence of writes and reads answers as a plain map would, from the cache too", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const run = `run-${runs++}`;
      const model = new Model();
      for (const now of steps) await follow(model, run, now);
    }),
    { numRuns: 40 },
  );
  expect(hits).toBeGreaterThan(200);
}, 120_000);
