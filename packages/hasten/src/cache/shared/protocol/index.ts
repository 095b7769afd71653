export { shardCalls } from "./calls.ts";
export { decodeLogBody, encodeInvalidated, encodeWake, type LogBody } from "./log-body.ts";
export { judgeLog, type LogJudgement } from "./log-calls.ts";
export {
  entryName,
  keyName,
  leaseName,
  prefixName,
  type SpaceOptions,
  shardOf,
  spaceOf,
  tagName,
  WIRE_VERSION,
} from "./names.ts";
export type {
  ClockRecord,
  ConfirmAnswer,
  DecodedEntry,
  EntryBody,
  FillAnswer,
  FillRefusal,
  FillRequest,
  IncrementAnswer,
  IncrementRequest,
  InvalidatedNames,
  InvalidateRequest,
  LeaseReply,
  LeaseRequest,
  LeaveAnswer,
  LeaveRequest,
  LogEntry,
  PutRequest,
  ReadAnswer,
  ScanPage,
  Shard,
  ShardCalls,
  SourceRecord,
  WriteAnswer,
} from "./types.ts";
