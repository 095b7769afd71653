import { expect, test } from "vitest";
import { RememberedTags } from "./remembered.ts";

test("the latest are remembered, at most so many", () => {
  const remembered = new RememberedTags(2);
  remembered.keep("a", ["1"]);
  remembered.keep("b", ["2"]);
  remembered.keep("a", ["3"]);
  remembered.keep("c", []);
  expect([remembered.get("a"), remembered.get("b"), remembered.get("c")]).toEqual([
    ["3"],
    undefined,
    [],
  ]);
});
