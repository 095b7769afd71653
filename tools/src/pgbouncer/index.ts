export { type PgBouncerOptions, type PgBouncerServer, startPgBouncer } from "./start.ts";
