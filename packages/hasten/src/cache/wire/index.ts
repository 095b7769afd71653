export { compressPayload, decompressPayload } from "./compression.ts";
export { decodeValue, encodeAdmitted, encodeValue, readPayload } from "./payload.ts";
export { readStructured } from "./read.ts";
export type { Decoded, Decompressed, WireLimits } from "./types.ts";
export { writeStructured } from "./write.ts";
