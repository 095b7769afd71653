/** Where the command writes, and what is known of the terminal there. */
export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Of the terminal that `out` is; undefined when it is none. */
  readonly columns?: number | undefined;
  /** Whether `out` shows colours. @default false */
  readonly color?: boolean;
  /** Whether `err` is a terminal, where a line can be rewritten. @default false */
  readonly rewritable?: boolean;
}

export const EXIT = { fine: 0, found: 1, failed: 2, interrupted: 130 } as const;
