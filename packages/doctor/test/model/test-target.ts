import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";
import type { Target } from "../../src/target/types.ts";

/** The doctor's own session on a test's database. */
export async function testTarget(url: string): Promise<Target> {
  return await openTarget(await connectionFrom(url, {}));
}
