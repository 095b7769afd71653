/** Where a command writes. */
export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export const EXIT = { fine: 0, notReady: 1, usage: 2, failed: 3 } as const;

/** What was asked for on the command line. */
export interface Asked {
  readonly url: string;
  readonly directUrl: string | undefined;
  readonly publication: string | undefined;
  readonly json: boolean;
  readonly triggers: boolean;
  readonly dryRun: boolean;
}
