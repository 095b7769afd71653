import { HastenError } from "../core/errors.ts";
import { type OptionNames, unknownOption } from "../core/known-options.ts";
import {
  type Allowance,
  addToBaseline,
  type FindingKind,
  findingText,
  readBaseline,
  type Thresholds,
  type TraceFinding,
} from "../traces/index.ts";
import { countTraces } from "./count-traces.ts";
import { failed, findingsOf } from "./query-report.ts";

export interface NoNPlusOneOptions {
  /** What fails the test. @default ["n-plus-one"] */
  readonly kinds?: readonly FindingKind[];
  /** Over those of tests: 3 repeats with 3 distinct parameters, no floor of time. */
  readonly thresholds?: Partial<Thresholds>;
  /** Findings that are accepted. @default none */
  readonly allow?: readonly Allowance[];
  /** Judges loops of INSERT, UPDATE and DELETE too. @default false */
  readonly writes?: boolean;
  /** A JSON file with findings that are accepted, kept with the source. @default none */
  readonly baseline?: string;
  /** Adds what is found to the baseline instead of failing. @default false */
  readonly updateBaseline?: boolean;
}

/**
 * Fails when what a function causes, by itself or by requests and jobs that begin in this process while
 * it runs, asks the database in a loop for what one statement could bring. Resolves to its value. A
 * finding whose line is not known never fails; it is a warning of the process.
 *
 * ```ts
 * await noNPlusOne(() => fetch(`${url}/orders`));
 * ```
 * @throws AssertionError that names the line and the fix
 * @throws HST_TRACE_OPTION for an option or kind that there is not
 * @throws HST_TEST_OVERLAP when another count is under way in this process
 */
export async function noNPlusOne<T>(
  work: () => T | PromiseLike<T>,
  options: NoNPlusOneOptions = {},
): Promise<T> {
  const kinds = checkedKinds(options);
  const { baseline, thresholds, allow = [], writes = false } = options;
  const { value, logs } = await countTraces(work);
  const found = findingsOf(logs, thresholds, { allow, writes }).filter(({ kind }) =>
    kinds.includes(kind),
  );
  const wrong = found.filter(({ site }) => site !== undefined);
  for (const finding of found) if (finding.site === undefined) warn(finding);
  if (baseline !== undefined && options.updateBaseline === true) addToBaseline(baseline, wrong);
  const findings = baseline === undefined ? wrong : unknownTo(baseline, wrong);
  const [first] = findings;
  if (first === undefined) return value;
  const sentence = `${findings.length} ${findings.length === 1 ? "finding" : "findings"}: ${first.kind} at ${first.site?.functionName || "the top level"}:`;
  throw failed(sentence, { logs, findings, actual: findings.length, expected: 0 });
}

const NAMES: OptionNames<NoNPlusOneOptions> = {
  ...{ kinds: true, thresholds: true, allow: true, writes: true },
  ...{ baseline: true, updateBaseline: true },
};
const KINDS: Readonly<Record<FindingKind, true>> = {
  ...{ "n-plus-one": true, duplicate: true, serial: true, unbounded: true },
  ...{ "select-everything": true, budget: true },
};

/** What is misspelt would let every test pass. @throws HST_TRACE_OPTION */
function checkedKinds(options: NoNPlusOneOptions): readonly FindingKind[] {
  const { kinds = ["n-plus-one"] } = options;
  const unknown = unknownOption(options, NAMES);
  if (unknown !== undefined)
    throw invalid(
      `noNPlusOne has no option ${unknown}.`,
      `It has ${Object.keys(NAMES).join(", ")}.`,
    );
  if (Array.isArray(kinds) && kinds.every((kind) => Object.hasOwn(KINDS, kind))) return kinds;
  throw invalid(
    "kinds must be a list of finding kinds.",
    `Kinds: ${Object.keys(KINDS).join(", ")}.`,
  );
}

const invalid = (message: string, fix: string): HastenError =>
  new HastenError("HST_TRACE_OPTION", message, fix);

/** It passes, but not in silence. */
function warn(finding: TraceFinding): void {
  process.emitWarning(`noNPlusOne lets this pass: ${findingText(finding)}`, "HastenWarning");
}

function unknownTo(baseline: string, findings: readonly TraceFinding[]): readonly TraceFinding[] {
  const accepted = readBaseline(baseline);
  return findings.filter(({ key }) => !accepted.has(key));
}
