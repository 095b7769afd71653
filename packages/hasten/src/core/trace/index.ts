export { currentTrace, inTrace, untraced } from "./current.ts";
export { DEPENDENCY_TAGS_MAX, type Dependency } from "./dependency.ts";
export { NOTHING_READ, TOO_MANY_TAGS, Trace } from "./trace.ts";
