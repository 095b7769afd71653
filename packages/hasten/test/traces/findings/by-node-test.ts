/** Run by `node --test`: one passes, one fails. */
import { test } from "node:test";
import { expectQueries } from "hasten/testing";

test("passes", async () => void (await expectQueries(() => "value").toBe(0)));
test("fails", async () => void (await expectQueries(() => "value").toBe(3)));
