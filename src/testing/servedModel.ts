/** A model that the test Hub holds, or a data set under `datasets/org/name`: its files at its newest commit. */
export interface ServedModel {
  files: Record<string, Uint8Array | string>;
  gated?: boolean;
  private?: boolean;
  license?: string;
}
