import { z } from "zod";

/** What `--help` and `.env.example` say about a variable. */
export interface SettingText {
  readonly group: string;
  readonly about: string;
  /** The values it takes, in words. */
  readonly allowed: string;
  /** Its default, in words; empty when it has none. */
  readonly otherwise: string;
  /** Never shown, not even when it is wrong. */
  readonly secret: boolean;
}

type Words = Pick<SettingText, "group" | "about"> & { readonly otherwise?: string };

const texts = new WeakMap<z.ZodType, SettingText>();

/** The documentation kept beside a schema. */
export function textOf(schema: z.ZodType): SettingText {
  const text = texts.get(schema);
  if (text === undefined) throw new Error("a setting is declared without its text");
  return text;
}

/** A variable's schema reads text: the environment has nothing else. */
function setting<S extends z.ZodType>(schema: S, words: Words, rest: Partial<SettingText>): S {
  texts.set(schema, { allowed: "text", otherwise: "", secret: false, ...rest, ...words });
  return schema;
}

const DIGITS = /^[0-9]{1,15}$/;

export function wholeNumber(
  range: readonly [min: number, max: number],
  fallback: number,
  words: Words,
): z.ZodType<number> {
  const [min, max] = range;
  const schema = z.string().regex(DIGITS).transform(Number).pipe(z.int().min(min).max(max));
  return setting(schema.default(fallback), words, {
    allowed: `a whole number from ${min} to ${max}`,
    otherwise: String(fallback),
  });
}

export function optionalWholeNumber(
  range: readonly [min: number, max: number],
  words: Words,
): z.ZodType<number | undefined> {
  const [min, max] = range;
  const schema = z.string().regex(DIGITS).transform(Number).pipe(z.int().min(min).max(max));
  return setting(schema.optional(), words, { allowed: `a whole number from ${min} to ${max}` });
}

const YES = ["true", "1", "yes", "on"];
const NO = ["false", "0", "no", "off"];

export function flag(fallback: boolean, words: Words): z.ZodType<boolean> {
  const schema = z
    .string()
    .toLowerCase()
    .pipe(z.enum([...YES, ...NO]))
    .transform((text) => YES.includes(text));
  return setting(schema.default(fallback), words, {
    allowed: "true or false",
    otherwise: String(fallback),
  });
}

export function oneOf<const T extends string>(
  values: readonly [T, ...T[]],
  words: Words,
): z.ZodType<T | undefined> {
  return setting(z.enum(values).optional(), words, { allowed: values.join(" or ") });
}

export function text(fallback: string, words: Words): z.ZodType<string> {
  return setting(z.string().max(1_000).default(fallback), words, { otherwise: fallback });
}

export function optionalText(words: Words): z.ZodType<string | undefined> {
  return setting(z.string().max(1_000).optional(), words, {});
}

export function secret(
  allowed: string,
  pattern: RegExp,
  words: Words,
): z.ZodType<string | undefined> {
  return setting(z.string().max(4_000).regex(pattern).optional(), words, { allowed, secret: true });
}
