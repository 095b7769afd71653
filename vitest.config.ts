import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["hasten-source", "node"] },
  ssr: { resolve: { conditions: ["hasten-source", "node"] } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "examples/*/{src,test}/**/*.test.ts",
      "tools/src/**/*.test.ts",
      "bench/src/**/*.test.ts",
    ],
    globalSetup: ["tools/src/vitest/postgres.ts"],
    execArgv: ["--conditions=hasten-source", "--expose-gc"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
