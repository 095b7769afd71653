/** Options of the codings: each coding has a block of its own, since their scales differ. */
import { wholeNumber } from "./errors.ts";

export interface CompressOptions {
  /**
   * "fast" for a response that waits: br 4, gzip 6, deflate 6, zstd 3. "best" for bytes that are
   * stored and sent many times: br 11 (10 above 64 KiB, 9 above 512 KiB), gzip 9, deflate 9,
   * zstd 19 (12 above 1 MiB). A level given below wins. @default "fast"
   */
  readonly effort?: "fast" | "best" | undefined;
  readonly zstd?:
    | {
        /** 1 to 19: higher ones need a window browsers refuse (RFC 9659). @default by `effort` */
        readonly level?: number | undefined;
      }
    | undefined;
  readonly br?:
    | {
        /** 0 to 11. @default by `effort` */
        readonly quality?: number | undefined;
      }
    | undefined;
  readonly gzip?:
    | {
        /** 0 to 9. @default by `effort` */
        readonly level?: number | undefined;
      }
    | undefined;
  readonly deflate?:
    | {
        /** 0 to 9. @default by `effort` */
        readonly level?: number | undefined;
      }
    | undefined;
  /**
   * At effort "fast", bodies up to this many bytes are compressed on the calling thread.
   * 0 to 1048576.
   * @default 65536 on one core, 8192 on two, 4096 on more
   */
  readonly syncBytesMax?: number | undefined;
}

export interface ResolvedCompress {
  readonly effort: "fast" | "best";
  readonly zstd: { readonly level: number | undefined };
  readonly br: { readonly quality: number | undefined };
  readonly gzip: { readonly level: number | undefined };
  readonly deflate: { readonly level: number | undefined };
  readonly syncBytesMax: number;
}

/** Checks every level against its own scale. */
export function resolveCompress(options: CompressOptions, syncBytesMax: number): ResolvedCompress {
  return {
    effort: options.effort ?? "fast",
    zstd: { level: within("zstd.level", options.zstd?.level, 1, 19) },
    br: { quality: within("br.quality", options.br?.quality, 0, 11) },
    gzip: { level: within("gzip.level", options.gzip?.level, 0, 9) },
    deflate: { level: within("deflate.level", options.deflate?.level, 0, 9) },
    syncBytesMax: within("syncBytesMax", options.syncBytesMax, 0, 1_048_576) ?? syncBytesMax,
  };
}

function within(
  name: string,
  value: number | undefined,
  min: number,
  max: number,
): number | undefined {
  return value === undefined ? undefined : wholeNumber(name, value, { min, max, fallback: min });
}
