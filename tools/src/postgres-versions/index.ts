export {
  MAJORS,
  type Major,
  startDebianPostgres,
  startPostgresOf,
  type Unavailable,
} from "./start.ts";
