import { inspect } from "node:util";
import { expect, test } from "vitest";
import { QueryLog } from "./query-log.ts";
import type { QueryShape } from "./query-shape.ts";

test("a log that a monitor prints or sends holds no value, no row and nothing of other listeners", () => {
  const log = new QueryLog();
  const shape = { statement: "select * from people where mail = $n", role: "read" } as QueryShape;
  const record = log.called(shape, ["s3cret"], 1)!;
  record.answer = { name: "s3cret" };
  record.begun = { span: "s3cret" };
  expect(record.values).toEqual(["s3cret"]);
  for (const shown of [JSON.stringify({ queries: log }), inspect({ queries: log }, { depth: 9 })]) {
    expect(shown).toContain("from people where mail");
    expect(shown).not.toContain("s3cret");
  }
});
