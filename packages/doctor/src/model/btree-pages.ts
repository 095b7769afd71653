import { BLOCK_BYTES, writeBlocks, writeBytes } from "./files.ts";

/**
 * The planner takes a b-tree's height from its first page and charges 50 × cpu_operator_cost for
 * each level, so an empty index is too cheap. This writes the tallest empty tree there is: a chain of
 * inner pages with one downlink each, and an empty leaf. The planner may also look for the lowest and
 * highest entry of an index: it descends, finds none, and keeps to the statistics.
 *
 * To be called after the index is created and before it is planned with: the first page is cached.
 * The layout is that of version 4 of the b-tree, PostgreSQL 11 and later, without page checksums.
 */
export function writeEmptyTree(path: string, height: number): void {
  if (height < 1) return;
  const pages = Array.from({ length: height + 1 }, (_, depth) =>
    treePage({
      level: height - depth,
      child: depth === height ? undefined : ROOT_BLOCK + depth + 1,
      isRoot: depth === 0,
    }),
  );
  writeBlocks(path, ROOT_BLOCK, pages);
  const meta = Buffer.alloc(16);
  meta.writeUInt32LE(ROOT_BLOCK, 0);
  meta.writeUInt32LE(height, 4);
  meta.writeUInt32LE(ROOT_BLOCK, 8);
  meta.writeUInt32LE(height, 12);
  writeBytes(path, META_ROOT_OFFSET, meta);
}

/** Blocks that a tree of that height needs: its first page, and one for each level. */
export function treeBlocks(height: number): number {
  return height < 1 ? 1 : height + 2;
}

const ROOT_BLOCK = 1;
const HEADER_BYTES = 24;
/** `btm_root`, `btm_level`, `btm_fastroot`, `btm_fastlevel` follow a magic number and a version. */
const META_ROOT_OFFSET = HEADER_BYTES + 8;
const SPECIAL_BYTES = 16;
const SPECIAL_OFFSET = BLOCK_BYTES - SPECIAL_BYTES;
const LAYOUT_VERSION = 4;
const LINE_POINTER_BYTES = 4;
const LP_NORMAL = 1;
/** Size of an index tuple without any key, which stands for "less than everything". */
const DOWNLINK_BYTES = 8;
const INDEX_ALT_TID = 0x2000;
const LEAF = 1;
const ROOT = 2;

function treePage(page: { level: number; child: number | undefined; isRoot: boolean }): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  let upper = SPECIAL_OFFSET;
  if (page.child !== undefined) {
    upper -= DOWNLINK_BYTES;
    bytes.writeUInt32LE(upper + LP_NORMAL * 2 ** 15 + DOWNLINK_BYTES * 2 ** 17, HEADER_BYTES);
    bytes.writeUInt16LE(page.child >>> 16, upper);
    bytes.writeUInt16LE(page.child & 0xffff, upper + 2);
    bytes.writeUInt16LE(INDEX_ALT_TID + DOWNLINK_BYTES, upper + 6);
  }
  bytes.writeUInt16LE(HEADER_BYTES + (page.child === undefined ? 0 : LINE_POINTER_BYTES), 12);
  bytes.writeUInt16LE(upper, 14);
  bytes.writeUInt16LE(SPECIAL_OFFSET, 16);
  bytes.writeUInt16LE(BLOCK_BYTES + LAYOUT_VERSION, 18);
  bytes.writeUInt32LE(page.level, SPECIAL_OFFSET + 8);
  bytes.writeUInt16LE(
    (page.isRoot ? ROOT : 0) + (page.child === undefined ? LEAF : 0),
    SPECIAL_OFFSET + 12,
  );
  return bytes;
}
