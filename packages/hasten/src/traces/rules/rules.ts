import { budget } from "./budget.ts";
import { duplicate } from "./duplicate.ts";
import { largeAnswers } from "./large-answers.ts";
import { nPlusOne } from "./n-plus-one.ts";
import { serial } from "./serial.ts";
import type { Rule } from "./types.ts";

export type { Draft, Rule } from "./types.ts";

/** In this order: what one rule claimed, a later one does not tell again. */
export const RULES: readonly Rule[] = [nPlusOne, duplicate, serial, largeAnswers, budget];
