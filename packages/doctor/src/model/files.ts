import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";

export const BLOCK_BYTES = 8192;
/** PostgreSQL splits a relation's file after 1 GB. */
export const SEGMENT_BLOCKS = 131_072;
/** 32 TB: the most that PostgreSQL lets a relation have, and so the most files that are looked for. */
const SEGMENTS_MAX = 32_768;

/**
 * Gives a relation's file that many blocks. What is new is a hole: it reads as zeros and takes no
 * disk, however large. `0` makes the relation empty.
 */
export function setBlocks(path: string, blocks: number): void {
  const segments = Math.min(SEGMENTS_MAX, Math.max(1, Math.ceil(blocks / SEGMENT_BLOCKS)));
  for (let at = 0; at < segments; at++) {
    const here = Math.max(0, Math.min(SEGMENT_BLOCKS, blocks - at * SEGMENT_BLOCKS));
    const file = openSync(segmentPath(path, at), at === 0 ? "r+" : "a", 0o600);
    try {
      ftruncateSync(file, here * BLOCK_BYTES);
    } finally {
      closeSync(file);
    }
  }
  for (let at = segments; at < SEGMENTS_MAX; at++) if (!removed(segmentPath(path, at))) break;
}

function segmentPath(path: string, segment: number): string {
  return segment === 0 ? path : `${path}.${segment}`;
}

function removed(path: string): boolean {
  try {
    rmSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Writes whole blocks from block `first` on. */
export function writeBlocks(path: string, first: number, blocks: readonly Buffer[]): void {
  const file = openSync(path, "r+");
  try {
    for (const [at, block] of blocks.entries())
      writeSync(file, block, 0, block.length, (first + at) * BLOCK_BYTES);
  } finally {
    closeSync(file);
  }
}

/** Writes a few bytes inside a block. */
export function writeBytes(path: string, position: number, bytes: Buffer): void {
  const file = openSync(path, "r+");
  try {
    writeSync(file, bytes, 0, bytes.length, position);
  } finally {
    closeSync(file);
  }
}
