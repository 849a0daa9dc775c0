/*
 * What compressed files may take. They come from strangers, and a few kilobytes may stand for terabytes: unpacking ends
 * with an error that says so, long before memory or disk does.
 */
export const unpackLimits = {
  /** Bytes of one unpacked file. */
  bytes: 64 * 2 ** 30,
  /** Unpacked bytes for each compressed one; gzip itself reaches 1032, text that repeats itself some hundred. */
  ratio: 1000,
  /** Below so many unpacked bytes any ratio will do: short files repeat themselves. */
  ratioFrom: 64 << 20,
  /** Unpacked text of at most so many bytes is held in memory; longer text is unpacked anew for each pass over it. */
  heldBytes: 64 << 20,
  /** A Parquet file is read here and there, so a compressed one is held as a whole. */
  heldParquetBytes: 1 << 30,
  /** Memory that a zstd frame may ask for: as much as `zstd --long` and the format's own recommendation for readers. */
  windowBytes: 128 << 20,
  /** Compression inside compression, as in `x.jsonl.gz.zst`. */
  layers: 3,
  /** Files in a zip. */
  entries: 100_000,
} as const;
