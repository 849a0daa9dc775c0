import type {
  AdapterDtype,
  DtypeComparison,
  ExportKind,
  ExportSizes,
  GgufExportType,
  GgufForecast,
  GgufOutcome,
  GgufRequest,
  MergeTarget,
  MergeLosses,
  MergeOutcome,
  MergeRequest,
  Progress,
  UsageFacts,
  UseTarget,
} from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';
import type { InterruptedMerge } from '../interruptedMerge.ts';

/** Types of GGUF to choose from: the smallest that most people take first is the middle one. */
export const ggufTypes = [
  'q8_0',
  'q4_k_m',
  'q5_k_m',
  'q6_k',
  'q4_0',
  'f16',
  'bf16',
  'f32',
] as const satisfies readonly GgufExportType[];

type Status = 'idle' | 'working' | 'done' | 'failed';

/** How the merged weights are stored: in the model's dtypes, in a chosen one, or quantized to 4 bits. */
export const mergeResults = ['floats', 'BF16', 'F16', 'F32', 'nf4', 'nf4Nested'] as const;
export type MergeResult = (typeof mergeResults)[number];

/** Shard sizes to choose from, in the notation of max_shard_size (decimal megabytes). */
export const shardSizes = ['1000MB', '2000MB', '4096MB', '10000MB'] as const;
export type ShardSize = (typeof shardSizes)[number];

/** The user's export settings. */
export interface ExportChoices {
  /** Where the export is used; null until the user says. */
  use: UseTarget | null;
  adapterDtype: AdapterDtype;
  /** Counts where there is a choice: see `mergeBase`. */
  onto: MergeRequest['onto'];
  result: MergeResult;
  shardSize: ShardSize;
  gguf: { form: GgufRequest['form']; type: GgufExportType };
}

export interface ExportState {
  /** Null until known. */
  sizes: ExportSizes | null;
  /** Names for the commands that use it; null until known. */
  usage: Record<ExportKind, UsageFacts> | null;
  measuring: null | 'merges' | 'dtypes';
  /** Losses on the weights it can be merged onto, once measured. */
  losses: MergeLosses | null;
  /** The result merged in each dtype, once measured, and the weights it was merged onto. */
  comparison: (DtypeComparison & { onto: MergeRequest['onto'] }) | null;
  adapterStatus: Status;
  adapterFile: File | null;
  adapterError: ErrorNote | null;
  mergeStatus: Status;
  mergeProgress: Progress | null;
  merged: MergeOutcome | null;
  /** The folder that the merged model was saved to; null for a zip. */
  folder: string | null;
  mergeError: ErrorNote | null;
  /** What a GGUF export would be, by type; null until known, or with the reason why there is none. */
  ggufForecasts: Record<GgufExportType, GgufForecast> | { error: ErrorNote } | null;
  /** The last GGUF export. */
  gguf: GgufOutcome | null;
}

export interface ExportSlice {
  exporting: ExportState;
  exportChoices: ExportChoices;
  /** A merge that an earlier visit did not end. */
  interruptedMerge: InterruptedMerge | null;
  /** Looks for such a merge. */
  findInterruptedMerge(): Promise<void>;
  forgetInterruptedMerge(): void;
  chooseExport(changes: Partial<ExportChoices>): void;
  /** Computes the size of each choice, and the names in its commands. */
  askSizes(): Promise<void>;
  /** Measures the losses of the possible merge bases. */
  measureMerges(): Promise<void>;
  /** Measures what merging into each dtype changes. */
  compareDtypes(): Promise<void>;
  exportAdapter(): Promise<void>;
  merge(destination: MergeTarget): Promise<void>;
  /** Writes the result as GGUF, into a folder or as a download. */
  exportGguf(handle: FileSystemDirectoryHandle | null): Promise<void>;
  /** Ends the merge under way; what it had written is no model, and the same merge goes on from it. */
  cancelMerge(): Promise<void>;
  dismissExportError(): void;
}

export const emptyExporting: ExportState = {
  sizes: null,
  usage: null,
  measuring: null,
  losses: null,
  comparison: null,
  adapterStatus: 'idle',
  adapterFile: null,
  adapterError: null,
  mergeStatus: 'idle',
  mergeProgress: null,
  merged: null,
  folder: null,
  mergeError: null,
  ggufForecasts: null,
  gguf: null,
};
