export {
  currentTrace,
  inTrace,
  isAdrift,
  isOwnTraffic,
  isTracing,
  ownTraffic,
  untraced,
} from "./current.ts";
export { DEPENDENCY_TAGS_MAX, type Dependency } from "./dependency.ts";
export { NOTHING_READ, readAdrift, TOO_MANY_TAGS, Trace } from "./trace.ts";
