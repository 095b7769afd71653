/** What is published, and what triggers watch. */
import { quoteIdentifier } from "../../ident.ts";
import { TRIGGERS_VERSION } from "../triggers/schema.ts";
import { blocks, counted, leaves, narrows, qualified, type Rule } from "./rule.ts";
import type { TableFacts } from "./tables.ts";

const list = (tables: readonly TableFacts[]): string =>
  tables.map((it) => qualified(it)).join(", ");

const publicationMissing: Rule = ({ publication, publicationName, tables }) => {
  if (publication !== undefined) return undefined;
  const fit = leaves(tables).filter((table) => table.identity);
  const forTables = fit.length === 0 ? "" : ` FOR TABLE ONLY ${fit.map(qualified).join(", ONLY ")}`;
  return blocks("publication-missing", ["stream"], {
    says: `There is no publication "${publicationName}".`,
    fix: "Run npx hasten setup as the owner of the tables, or pass autoSetup: true (to hasten(): coherence: { autoSetup: true }).",
    sql: [`CREATE PUBLICATION ${quoteIdentifier(publicationName)}${forTables}`],
  });
};

const publicationActions: Rule = ({ publication }) =>
  publication === undefined || publication.lacks.length === 0
    ? undefined
    : blocks("publication-lacks-actions", ["stream"], {
        says: `The publication leaves out ${publication.lacks.join(" and ")}: such changes would be missed.`,
        fix: "Publish every kind of change.",
        sql: [
          `ALTER PUBLICATION ${quoteIdentifier(publication.name)} SET (publish = 'insert, update, delete, truncate')`,
        ],
      });

const publicationRoots: Rule = ({ publication }) =>
  publication?.viaRoot === true
    ? blocks("publication-publishes-roots", ["stream"], {
        says: "The publication publishes partitions as their root: a TRUNCATE of a partition would be missed.",
        fix: "Publish the partitions; hasten knows their roots.",
        sql: [
          `ALTER PUBLICATION ${quoteIdentifier(publication.name)} SET (publish_via_partition_root = false)`,
        ],
      })
    : undefined;

const publicationFilters: Rule = ({ publication, tables }) => {
  const filtered = leaves(tables).filter((table) => table.filtered);
  if (publication === undefined || filtered.length === 0) return undefined;
  return narrows("publication-filters-rows", {
    says: `${counted(filtered, "published with a row filter or a column list")}: answers from there are untracked.`,
    fix: "Publish these tables whole, or give hasten a publication of its own.",
    sql: filtered.map(
      (table) =>
        `ALTER PUBLICATION ${quoteIdentifier(publication.name)} DROP TABLE ${qualified(table)}`,
    ),
    tables: filtered,
  });
};

const identity: Rule = ({ publication, tables }) => {
  const without = leaves(tables).filter((table) => !table.identity);
  if (without.length === 0) return undefined;
  const failing = publication === undefined ? [] : without.filter((table) => table.published);
  const warning =
    failing.length === 0
      ? ""
      : ` UPDATE and DELETE fail now on ${list(failing)}, which is published.`;
  return narrows("identity-missing", {
    says: `${counted(without, "without a usable replica identity")}: answers from there are untracked.${warning}`,
    fix: "Give each a primary key without generated columns, or log whole rows where none is generated.",
    sql: without
      .filter((table) => !table.generatedIdentity)
      .map((table) => `ALTER TABLE ${qualified(table)} REPLICA IDENTITY FULL`),
    tables: without,
  });
};

const unpublished: Rule = ({ publication, tables }) => {
  if (publication === undefined || publication.allTables) return undefined;
  const outside = leaves(tables).filter((table) => table.identity && !table.published);
  if (outside.length === 0) return undefined;
  const name = quoteIdentifier(publication.name);
  return narrows("tables-unpublished", {
    says: `${counted(outside, "outside the publication")}: answers from there are untracked.`,
    fix: "Run npx hasten setup as their owner, or pass autoSetup: true.",
    sql: outside.map((table) => `ALTER PUBLICATION ${name} ADD TABLE ONLY ${qualified(table)}`),
    tables: outside,
  });
};

const triggersMissing: Rule = ({ triggers }) => {
  if (triggers.version === TRIGGERS_VERSION && triggers.usable) return undefined;
  const outdated = triggers.version > 0 && triggers.version !== TRIGGERS_VERSION;
  const says = outdated
    ? `The change log's version is ${triggers.version}, not ${TRIGGERS_VERSION}.`
    : triggers.version === 0
      ? "There is no change log with triggers."
      : "This role may not read, write and prune the change log.";
  return blocks(outdated ? "triggers-outdated" : "triggers-missing", ["triggers"], {
    says,
    fix: 'Run npx hasten setup --triggers as the tables\' owner, or pass autoSetup: "triggers". Only needed where the stream cannot be had.',
  });
};

const untriggered: Rule = ({ triggers, tables }) => {
  const outside = tables.filter((table) => !table.triggered);
  if (triggers.version === 0 || outside.length === 0) return undefined;
  return narrows("tables-untriggered", {
    says: `${counted(outside, "without the change log's trigger")}: in triggers mode, answers from there are untracked.`,
    fix: "Run npx hasten setup --triggers again as the tables' owner.",
    tables: outside,
  });
};

export const TABLE_RULES: readonly Rule[] = [
  publicationMissing,
  publicationActions,
  publicationRoots,
  publicationFilters,
  triggersMissing,
  identity,
  unpublished,
  untriggered,
];
