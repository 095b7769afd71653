export { MAJORS, type Major, startPostgresOf, type Unavailable } from "./start.ts";
