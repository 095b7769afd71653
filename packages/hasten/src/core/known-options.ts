/**
 * Options with a wrong name. One that is passed over keeps its default without a word: a policy whose
 * `dryRun` is spelt otherwise would end sessions.
 */

/** Every option's name; the compiler sees to it that none is missing. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

const SHOWN_MAX = 64;

/** The first name that is none of the options, ready for a message; its value is not looked at. */
export function unknownOption(options: object, names: object): string | undefined {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  return unknown === undefined ? undefined : JSON.stringify(unknown.slice(0, SHOWN_MAX));
}
