import { afterEach, expect, test } from "vitest";
import { builderSite, forgetUnattributed, fromSite, siteHere } from "./capture-site.ts";
import { siteCapture } from "./judging.ts";

afterEach(() => {
  siteCapture.from = 2;
  forgetUnattributed();
});

const here = (): ReturnType<typeof siteHere> => siteHere();
const lineOf = (error: Error): number =>
  Number(/capture-site\.test\.ts:(\d+)/.exec(error.stack!)![1]);

test("the file, the line and the function that asks", () => {
  function listOrders(): ReturnType<typeof siteHere> {
    return siteHere();
  }
  const site = listOrders();
  expect(site?.file).toMatch(/^\/.*core\/trace\/capture-site\.test\.ts$/);
  expect(site?.functionName).toBe("listOrders");
});

test("the line is that of the source", () => {
  const [site, line] = [siteHere(), lineOf(new Error("x"))];
  expect(site?.line).toBe(line);
});

test("a method has its bare name, before and after its first await", async () => {
  class Orders {
    async list(): Promise<unknown[]> {
      const before = siteHere();
      await Promise.resolve();
      return [before, siteHere()];
    }
  }
  const sites = await new Orders().list();
  expect(sites).toMatchObject([{ functionName: "list" }, { functionName: "list" }]);
});

test("a callback is known by the function that it is written in, also when they overlap", async () => {
  async function load(ids: readonly number[]) {
    const one = async () => {
      await Promise.resolve();
      return (() => siteHere())();
    };
    return Promise.all(ids.map(async () => one()));
  }
  for (const site of await load([1, 2])) expect(site?.functionName).toBe("one");
  async function spread(ids: readonly number[]) {
    return await Promise.all(
      ids.map(async () => {
        await Promise.resolve();
        return siteHere();
      }),
    );
  }
  for (const site of await spread([1, 2])) expect(site?.functionName).toBe("spread");
});

test("the settings of Error are as before, and the program's own prepareStackTrace is asked", () => {
  const settings = Error as unknown as { prepareStackTrace?: unknown };
  const before = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace");
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 3;
  const mine = () => "Error: site\n    at list (/app/src/orders.ts:7:9)";
  settings.prepareStackTrace = mine;
  try {
    expect(here()).toMatchObject({ file: "/app/src/orders.ts", line: 7, column: 9 });
    expect(settings.prepareStackTrace).toBe(mine);
    expect(Error.stackTraceLimit).toBe(3);
    settings.prepareStackTrace = () => {
      throw new Error("broken");
    };
    expect(here()?.file).toMatch(/capture-site\.test\.ts$/);
  } finally {
    Error.stackTraceLimit = limit;
    if (before === undefined) delete settings.prepareStackTrace;
    else Object.defineProperty(Error, "prepareStackTrace", before);
  }
});

test("a lazy query carries the line that built it, from the first one without a line on", async () => {
  const build = (): ReturnType<typeof builderSite> => builderSite(build);
  const askNowhere = (): Promise<ReturnType<typeof siteHere>> =>
    new Promise((resolve) => setImmediate(() => resolve(nowhere())));
  expect(build()).toBeUndefined();
  expect(await askNowhere()).toBeUndefined();
  function listOrders() {
    return build();
  }
  const site = listOrders();
  expect(site?.functionName).toBe("listOrders");
  expect(await fromSite(site, askNowhere)).toBe(site);
});

test("where every site is wanted, the first builder has one too", () => {
  siteCapture.from = 1;
  const build = (): ReturnType<typeof builderSite> => builderSite(build);
  expect(build()?.file).toMatch(/capture-site\.test\.ts$/);
});

/** As when a library of its own calls back: no frame of the application. */
function nowhere(): ReturnType<typeof siteHere> {
  const limit = Error.stackTraceLimit;
  const capture = Error.captureStackTrace;
  Error.captureStackTrace = (holder: object) => Object.assign(holder, { stack: [] });
  try {
    return siteHere();
  } finally {
    Error.captureStackTrace = capture;
    Error.stackTraceLimit = limit;
  }
}
