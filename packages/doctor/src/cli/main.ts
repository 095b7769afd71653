#!/usr/bin/env node
import { doctorCommand } from "./command.ts";
import { processOutput } from "./process-output.ts";

const { output, signal, exitCode } = processOutput();
process.exitCode = exitCode(
  await doctorCommand(process.argv.slice(2), process.env, output, signal),
);
