/** What several protocols of the workers carry. Everything here survives structured cloning. */

/** The file that was chosen of a repo of GGUF files, each of which is a model; absent for other repos. */
export interface GgufChoice {
  gguf?: string | undefined;
}

/** Where a model's files are. */
export type ModelSource =
  /** Dropped or picked files. */
  | { kind: 'files'; name: string; files: File[] }
  /** A folder the user gave access to. */
  | { kind: 'directory'; name: string; handle: FileSystemDirectoryHandle }
  /** A model of a Hub at a commit: fetched by range through the hub worker as it is read, and not stored. */
  | ({
      kind: 'hub';
      name: string;
      endpoint: string;
      repo: string;
      commit: string;
      license: string | null;
    } & GgufChoice)
  /** A model that was downloaded, in the origin private file system. */
  | ({ kind: 'cached'; name: string; host: string; repo: string; commit: string } & GgufChoice)
  /** A model that comes with the page. @param url of its folder, ending with a slash */
  | { kind: 'bundled'; name: string; url: string };

/** What a long step does; the page has a text for each. */
export type Phase =
  'weights' | 'adapter' | 'answering' | 'firstStep' | 'evaluating' | 'merging' | 'proving' | 'ceilings';

/** A long step: `done` of `total` in `unit`. */
export interface Progress {
  /** Null for a step of one phase. */
  phase: Phase | null;
  /** What is being worked on, such as the name of a kernel. */
  subject?: string;
  done: number;
  total: number;
  unit: 'bytes' | 'rows' | 'steps' | 'tensors' | 'tokens' | 'measurements' | 'weights';
}

/** A file on disk or in memory, and its name. */
export interface NamedBlob {
  name: string;
  blob: Blob;
}
