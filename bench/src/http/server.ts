/** One subject in a process of its own: prints its port, ends with its standard input. */
import type { AddressInfo } from "node:net";
import { createSubject, SUBJECTS } from "./subjects.ts";

const subject = SUBJECTS.find((name) => name === process.argv[2]);
if (subject === undefined) throw new Error(`no subject is named ${process.argv[2]}`);
const server = createSubject(subject);
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
});
process.stdin.resume().once("end", () => process.exit(0));
