export { DEMO_PASSWORD, DEMO_ROLES, userRow } from "./rows.ts";
export { type SeedOptions, type SeedProgress, seed } from "./seed.ts";
