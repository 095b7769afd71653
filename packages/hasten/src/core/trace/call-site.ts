/** The line of the application that asked. */
export interface CallSite {
  /** Path or URL of the file, as the stack names it; `file://` removed. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The function, or "" at the top level of a module. */
  readonly functionName: string;
}
