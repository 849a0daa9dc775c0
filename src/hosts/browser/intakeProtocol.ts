/** What is dropped, for the page: a part of the data worker's API. Everything here survives structured cloning. */
import type { DataPart } from '../../content/intake/joinData.ts';
import type { Intake } from '../../content/intake/items.ts';

export type * from '../../content/intake/items.ts';
export type { DataPart } from '../../content/intake/joinData.ts';

/** A file with its path in what was dropped or chosen. */
export interface DroppedFile {
  path: string;
  file: File;
}

/** Several data files, and whether they are one data set in parts. */
export interface DescribedData {
  parts: DataPart[];
  joinable: boolean;
}

export interface IntakeApi {
  /** Says by content what was dropped. */
  sniffFiles(files: DroppedFile[]): Promise<Intake>;
  /**
   * Files of a zip. Those that are stored stay parts of it; others are unpacked, which the browser may keep on disk.
   * Throws `data.zip_*`, `data.unpack_*`.
   */
  unzip(zip: File, paths: string[]): Promise<File[]>;
  /** What several data files hold. Throws as `openDataset` does. */
  describeData(files: File[]): Promise<DescribedData>;
  /** The rows of several files in order as one JSONL file. */
  joinData(files: File[], name: string): Promise<File>;
}
