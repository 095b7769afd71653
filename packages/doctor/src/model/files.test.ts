import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { treeBlocks, writeEmptyTree } from "./btree-pages.ts";
import { BLOCK_BYTES, SEGMENT_BLOCKS, setBlocks } from "./files.ts";

let directory: string;
let path: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "hasten-files-"));
  path = join(directory, "16384");
  writeFileSync(path, "");
});
afterAll(() => rmSync(directory, { recursive: true }));

test("blocks beyond 1 GB go into further files, take no disk, and go away again", () => {
  setBlocks(path, 2 * SEGMENT_BLOCKS + 5);
  expect([path, `${path}.1`, `${path}.2`].map((name) => statSync(name).size / BLOCK_BYTES)).toEqual(
    [SEGMENT_BLOCKS, SEGMENT_BLOCKS, 5],
  );
  expect(statSync(path).blocks).toBeLessThan(100);
  setBlocks(path, 3);
  expect(statSync(path).size).toBe(3 * BLOCK_BYTES);
  expect(existsSync(`${path}.1`) || existsSync(`${path}.2`)).toBe(false);
  setBlocks(path, 0);
  expect(statSync(path).size).toBe(0);
});

test("a tree of height 2 is a first page and three levels, each linked to the next", () => {
  writeFileSync(path, Buffer.alloc(BLOCK_BYTES));
  writeEmptyTree(path, 2);
  const bytes = readFileSync(path);
  expect(bytes.length).toBe(treeBlocks(2) * BLOCK_BYTES);
  expect([32, 36, 40, 44].map((at) => bytes.readUInt32LE(at))).toEqual([1, 2, 1, 2]);
  const levels = [1, 2, 3].map((block) => bytes.readUInt32LE((block + 1) * BLOCK_BYTES - 8));
  expect(levels).toEqual([2, 1, 0]);
  const children = [1, 2].map((block) => bytes.readUInt16LE(block * BLOCK_BYTES + 8168 + 2));
  expect(children).toEqual([2, 3]);
});
