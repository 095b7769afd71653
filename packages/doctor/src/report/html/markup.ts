import { escapeHtml } from "../../text.ts";

/** Markup that was made here. Everything else that is put into it is escaped. */
export interface Markup {
  readonly markup: string;
}

export type Content = string | number | Markup | readonly Markup[] | undefined;

/** Escapes whatever stands in the template: only what another template made goes in as it is. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return {
    markup: parts
      .map((part, at) => part + (at < contents.length ? inner(contents[at]) : ""))
      .join(""),
  };
}

/** Markup that a trusted renderer of this package has made and escaped itself. */
export const trusted = (markup: string): Markup => ({ markup });

export const nothing: Markup = { markup: "" };

function inner(content: Content): string {
  if (content === undefined) return "";
  if (typeof content === "number") return String(content);
  if (typeof content === "string") return escapeHtml(content);
  if ("markup" in content) return content.markup;
  return content.map(({ markup }) => markup).join("");
}
