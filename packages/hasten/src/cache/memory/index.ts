export { MemoryNode } from "./node.ts";
export type { MemoryStoreOptions } from "./options.ts";
export { createMemoryStore, type MemoryStore, type Stored } from "./store.ts";
