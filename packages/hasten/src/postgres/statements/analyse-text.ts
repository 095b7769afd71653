/** One text: parsed, classified, understood. */
import { broadTag } from "../../core/sql-tag.ts";
import type { Registry } from "../catalog/registry.ts";
import type { Analysis, OpaqueAnalysis, ReadAnalysis, SessionFacts } from "./analysis.ts";
import { addTags, type BoundTable, isConstant } from "./bound-table.ts";
import { type Classified, classify } from "./classify.ts";
import type { Refusal } from "./function-rules.ts";
import type { ParseText } from "./parser.ts";
import { everyTag, type Reading, type Understood, understand } from "./understand.ts";
import { SCHEMA_WRITE, understandWrite } from "./understand-write.ts";
import type { Uses } from "./uses.ts";

export interface Outcome {
  readonly analysis: Analysis;
  /** False where the next try may find more: the catalog did not answer. */
  readonly lasting: boolean;
  /** Of a read: what its analysis is made from, for texts that differ in literals. */
  readonly understood?: Understood | undefined;
  /** Makes known what depends on it. Called once, if the analysis is used. */
  register(): void;
}

/** Never rejects. */
export async function analyseText(
  text: string,
  session: SessionFacts,
  { registry, parser }: { registry: Registry; parser: () => Promise<ParseText> },
): Promise<Outcome> {
  let parse: ParseText;
  try {
    parse = await parser();
  } catch {
    return opaque(
      { because: NO_PARSER, mayWrite: true, stateful: true, personal: false },
      { lasting: false },
    );
  }
  let classified: Classified;
  try {
    classified = classify(parse(text));
  } catch {
    return opaque({ ...UNPARSED, mayWrite: true, stateful: true, personal: false });
  }
  switch (classified.kind) {
    case "session":
      return outcome({ kind: "session", effect: classified.effect });
    case "schema":
      return outcome(SCHEMA_WRITE);
    case "opaque":
      return outcome(classified.analysis);
    case "read":
    case "write":
      return looked(classified, { parse, session, registry });
    default:
      return classified satisfies never;
  }
}

const NO_PARSER = "libpg-query, which is not installed (npm install libpg-query@18)";
const UNPARSED = { because: "a text that the parser does not understand" };

interface Lookup {
  readonly parse: ParseText;
  readonly session: SessionFacts;
  readonly registry: Registry;
}

async function looked(
  classified: { readonly kind: "read" | "write"; readonly uses: Uses },
  { parse, session, registry }: Lookup,
): Promise<Outcome> {
  const { kind, uses } = classified;
  // Before anything is asked: what changes from here on may not have been seen by the read.
  const { since } = registry;
  const mayWrite = kind === "write" || uses.functions.length > 0;
  try {
    const path = await registry.path(session.searchPath, session.role);
    if (typeof path === "string")
      return opaque({ because: path, mayWrite, stateful: false, personal: false });
    const reading: Reading = { registry, parse, path, since };
    if (kind === "write") return outcome(await understandWrite(uses, reading));
    return read(await understand(uses, reading), registry);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "no reason was given";
    const because = `the catalog could not be read: ${reason}`;
    return opaque(
      { because, mayWrite, stateful: false, personal: false, passing: true },
      { lasting: false },
    );
  }
}

function read(understood: Understood, registry: Registry): Outcome {
  const register = (): void => {
    const all = everyTag(understood);
    for (const item of understood.items) for (const tag of all) item.tags.add(tag);
  };
  if (understood.refusals.length > 0) {
    const lasting = !understood.refusals.some(({ passing }) => passing);
    return { ...opaque(worst(understood.refusals), { lasting }), register };
  }
  return {
    analysis: readAnalysis(understood),
    understood,
    lasting: true,
    register() {
      register();
      for (const { table, tableTag, relations, columns } of understood.interests) {
        const tags = { tableTag, broadTag: broadTag(tableTag) };
        registry.interest.add(table, tags, { relations, columns });
      }
    },
  };
}

export function readAnalysis({
  tables,
  tags,
}: {
  readonly tables: readonly BoundTable[];
  readonly tags: ReadonlySet<string>;
}): ReadAnalysis {
  const tagsOf = (values: readonly unknown[]): readonly string[] => {
    const all = new Set(tags);
    for (const table of tables) addTags(table, values, all);
    return [...all];
  };
  if (!tables.every(isConstant)) return { kind: "read", tagsOf };
  const constant = tagsOf([]);
  return { kind: "read", tagsOf: () => constant };
}

/** The first reason, and the worst of what any of them may do. */
function worst(refusals: readonly Refusal[]): Refusal {
  return {
    because: refusals[0]!.because,
    mayWrite: refusals.some((it) => it.mayWrite),
    stateful: refusals.some((it) => it.stateful),
    personal: refusals.some((it) => it.personal),
    passing: refusals.some((it) => it.passing === true),
  };
}

function opaque(
  { because, mayWrite, stateful, personal, passing }: Refusal,
  { lasting = true }: { lasting?: boolean } = {},
): Outcome {
  const analysis: OpaqueAnalysis = {
    kind: "opaque",
    because,
    mayWrite,
    stateful,
    personal,
    passing,
  };
  return outcome(analysis, lasting);
}

function outcome(analysis: Analysis, lasting = true): Outcome {
  return { analysis, lasting, register: () => undefined };
}
