/** A watch that understands few statements and learns of no change: for what it records. */
import { createWatch, type Watch } from "../../../src/postgres/watch/watch.ts";
import { recordingSource } from "../../orm/recording-source.ts";
import { smallAnalyzer } from "../../orm/small-analyzer.ts";

export function noSource(): Watch {
  const analyzer = smallAnalyzer("any");
  const source = recordingSource();
  return createWatch({ analyzer: () => analyzer, source: () => source });
}
