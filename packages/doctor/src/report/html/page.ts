import { createHash } from "node:crypto";
import { PLAN_TREE_CSS } from "../../plans/tree/css.ts";
import type { Report } from "../types.ts";
import { subjectOf } from "../words.ts";
import { adviceSection } from "./advice.ts";
import { CSS, SCRIPT } from "./css.ts";
import { figuresSection } from "./figures.ts";
import { findingsSection } from "./findings.ts";
import { footOf, headOf } from "./head.ts";
import { html, trusted } from "./markup.ts";
import { plansSection } from "./plans.ts";
import { coverageSection, methodSection } from "./rest.ts";
import { statementsSection } from "./statements.ts";

const hashOf = (text: string): string =>
  `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const STYLE = CSS + PLAN_TREE_CSS;

/** Nothing is loaded, and nothing runs or styles but what stands here. */
const POLICY = `default-src 'none'; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}; base-uri 'none'; form-action 'none'`;

/**
 * The report as one page that needs nothing else: no network, no script but for the copy buttons.
 * Every name and text of the report is escaped.
 */
export function htmlReport(report: Report): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>${subjectOf(report).name}: ${report.score.value}, ${report.score.word} · hasten-doctor</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<div class="page">
${headOf(report)}
<main id="main">
${adviceSection(report)}
${findingsSection(report)}
${statementsSection(report)}
${plansSection(report)}
${figuresSection(report)}
${coverageSection(report)}
${methodSection(report)}
</main>
${footOf(report)}
</div>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`;
  return page.markup;
}
