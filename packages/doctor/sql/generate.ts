/** Writes health.sql from the checks: `npx node --conditions=hasten-source packages/doctor/sql/generate.ts`. */
import { writeFileSync } from "node:fs";
import { healthScript } from "../src/health/script.ts";

writeFileSync(new URL("health.sql", import.meta.url), healthScript());
