import { type Fields, isFields, namesOf, walk } from "../parse/walk.ts";

/** A name as written: `schema` only where it was. */
export interface Name {
  readonly schema: string | undefined;
  readonly name: string;
}

/** What a tree names that may run code, by what it can be. */
export interface Mentions {
  readonly functions: readonly Name[];
  readonly operators: readonly Name[];
  readonly types: readonly Name[];
  readonly relations: readonly (Name & { readonly mayBeLocal: boolean })[];
  /** `x.name`, which calls the function `name(x)` where x has no such column. */
  readonly attributes: readonly string[];
  /** `(x).name`: the same, for an x of any type. */
  readonly indirections: readonly string[];
  /** Highest `$n`. */
  readonly parameters: number;
}

/** Reads a tree, or says why it is refused whatever it names. `run`: it would be executed. */
export function mentionsIn(tree: unknown, run: boolean): Mentions | { readonly because: string } {
  const found = new Collector(run);
  const whole = walk(tree, (node, key) => found.visit(node, key));
  if (!whole) return { because: "it is nested too deeply or has too many parts" };
  return found.refusal === undefined ? found.mentions() : { because: found.refusal };
}

/** A long statement names the same things again and again; more different ones are refused. */
const NAMES_MAX = 2_000;
const SAMPLING: ReadonlySet<string> = new Set(["system", "bernoulli"]);
/** As the grammar writes them, to what they call. */
const SPELLED: Readonly<Record<string, readonly string[]>> = {
  BETWEEN: ["<=", ">="],
  "NOT BETWEEN": ["<", ">"],
  "BETWEEN SYMMETRIC": ["<=", ">="],
  "NOT BETWEEN SYMMETRIC": ["<", ">"],
};

class Collector {
  refusal: string | undefined;
  readonly #run: boolean;
  readonly #functions = new Names();
  readonly #operators = new Names();
  readonly #types = new Names();
  readonly #relations = new Names();
  readonly #local = new Set<string>();
  readonly #attributes = new Set<string>();
  readonly #indirections = new Set<string>();
  #parameters = 0;

  constructor(run: boolean) {
    this.#run = run;
  }

  visit(node: Fields, key: string): void {
    this.#shape(node, key);
    if (typeof node["relname"] === "string") this.#relation(node);
    if (typeof node["ctename"] === "string") this.#local.add(node["ctename"]);
    if (Array.isArray(node["names"])) this.#add(this.#types, namesOf(node["names"]));
    if (key === "FuncCall") this.#add(this.#functions, namesOf(node["funcname"]));
    if (key === "A_Expr") this.#operator(namesOf(node["name"]));
    this.#operator(namesOf(node["operName"]));
    this.#operator(namesOf(node["useOp"]));
    if (key === "ColumnRef")
      for (const name of namesOf(node["fields"]).slice(1)) this.#attributes.add(name);
    if (key === "A_Indirection")
      for (const name of namesOf(node["indirection"])) this.#indirections.add(name);
    if (key === "ParamRef") this.#parameters = Math.max(this.#parameters, Number(node["number"]));
  }

  #shape(node: Fields, key: string): void {
    if (!this.#run) return;
    if (key.endsWith("Stmt") && key !== "SelectStmt")
      this.#refuse("it holds a statement that is no SELECT");
    if (node["intoClause"] !== undefined) this.#refuse("SELECT INTO makes a table");
    if (node["lockingClause"] !== undefined)
      this.#refuse("FOR UPDATE, FOR SHARE and their like lock rows");
    if (key === "RangeTableSample" && !SAMPLING.has(namesOf(node["method"]).join(".")))
      this.#refuse("it samples by a method that is not built in");
    if (key === "ParamRef") this.#refuse("it has parameters, for which there are no values");
  }

  #relation(node: Fields): void {
    if (node["catalogname"] !== undefined) this.#refuse("it names another database");
    const schema = node["schemaname"];
    this.#add(this.#relations, [
      ...(typeof schema === "string" ? [schema] : []),
      String(node["relname"]),
    ]);
  }

  #operator(name: readonly string[]): void {
    const spelled = name.length === 1 ? SPELLED[name[0] ?? ""] : undefined;
    if (spelled !== undefined) for (const one of spelled) this.#add(this.#operators, [one]);
    else if (name.length > 0) this.#add(this.#operators, name);
  }

  #add(names: Names, parts: readonly string[]): void {
    const name = parts.at(-1);
    if (name === undefined || parts.length > 2) this.#refuse("a name has too many parts");
    else if (!names.add({ schema: parts.length === 2 ? parts[0] : undefined, name }))
      this.#refuse("it names too many things");
  }

  #refuse(because: string): void {
    this.refusal ??= because;
  }

  mentions(): Mentions {
    return {
      functions: this.#functions.all(),
      operators: this.#operators.all(),
      types: this.#types.all(),
      relations: this.#relations.all().map((it) => ({
        ...it,
        mayBeLocal: it.schema === undefined && this.#local.has(it.name),
      })),
      attributes: [...this.#attributes],
      indirections: [...this.#indirections],
      parameters: this.#parameters,
    };
  }
}

class Names {
  readonly #names = new Map<string, Name>();

  add(name: Name): boolean {
    this.#names.set(JSON.stringify([name.schema, name.name]), name);
    return this.#names.size <= NAMES_MAX;
  }

  all(): readonly Name[] {
    return [...this.#names.values()];
  }
}

/** Only to keep a caller from looking twice. */
export const isRefusal = (
  it: Mentions | { readonly because: string },
): it is { readonly because: string } => isFields(it) && "because" in it;
