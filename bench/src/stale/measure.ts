// One library in a process of its own: node measure.ts <peer> <redis url> <times> <storm ms> <cuts>
import { type CellCount, cells, runCell } from "./cells.ts";
import { cut } from "./cut.ts";
import { peers } from "./peers/index.ts";
import { storm } from "./storm.ts";

const [name, url, times, stormMs, cuts] = process.argv.slice(2);
const peer = peers[name!]!;
const counts: Record<string, CellCount> = {};

// A peer whose connection was cut may tell so by an error event that nobody can listen to.
process.on("uncaughtException", (error) => process.stderr.write(`${name}: ${error.message}\n`));
for (const cell of cells) {
  const count = await runCell(peer, url!, cell, Number(times));
  if (count !== undefined) counts[`${cell.what}, ${cell.where}`] = count;
}
counts["random reads and writes"] = await storm(peer, url!, Number(stormMs));
counts["connections cut"] = await cut(peer, url!, Number(cuts));
process.stdout.write(`\n${JSON.stringify(counts)}\n`);
process.exit(0);
