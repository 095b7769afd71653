export { type Choice, readChoice, writeChoice } from "./choice.ts";
export { StorageBusy } from "./gate.ts";
export type { Opened } from "./opened.ts";
export { messageOf, type SwitchOutcome } from "./outcome.ts";
export {
  openStorage,
  type Storage,
  type StorageParts,
  type StorageStatus,
} from "./storage.ts";
