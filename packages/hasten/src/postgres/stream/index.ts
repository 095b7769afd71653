export { openStream } from "./stream.ts";
export type {
  ChangeStream,
  StreamCounts,
  StreamEvent,
  StreamMutant,
  StreamOptions,
  StreamStatus,
} from "./types.ts";
