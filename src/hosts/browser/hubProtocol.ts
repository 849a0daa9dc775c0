/** The hub worker's APIs: for the page and for other workers. Everything here survives structured cloning. */
import type { CachedRepo } from '../../content/hub/modelCache.ts';
import type { DownloadProgress } from '../../content/hub/progress.ts';
import type { PushOptions, PushOutcome, PushProgress } from '../../content/hub/push.ts';
import type { CachedModelInfo } from '../../engine/model/weights/quantizedCache/quantizedCache.ts';
import type { FoundModel } from '../../content/hub/searchModels.ts';
import type { HubGguf } from '../../content/hub/ggufFiles.ts';
import type { GgufChoice, NamedBlob } from './messages.ts';

export { namedGgufs, type HubGguf } from '../../content/hub/ggufFiles.ts';
export type { CachedModel, CachedRepo } from '../../content/hub/modelCache.ts';
export type { DownloadProgress } from '../../content/hub/progress.ts';
export type { PushOutcome, PushProgress } from '../../content/hub/push.ts';
export type { CachedModelInfo } from '../../engine/model/weights/quantizedCache/quantizedCache.ts';
export type { FoundModel } from '../../content/hub/searchModels.ts';

/** Where a repo is and at which commit. */
export interface HubRef {
  /** Address of the Hub, without a slash at its end. */
  endpoint: string;
  /** `org/name`, of a data set `datasets/org/name`. */
  repo: string;
  commit: string;
}

/** How the Hub is reached, without the token: that stays in the worker. */
export interface HubChoice {
  /** Address of a mirror or a Hub of one's own; null for the official one. */
  endpoint: string | null;
  /** Whether the user allowed the token to be sent to this endpoint. */
  tokenForEndpoint: boolean;
}

/** A model or data set on a Hub, before it is downloaded. */
export interface HubFacts extends HubRef {
  host: string;
  /** The requested branch, tag or commit. */
  revision: string;
  license: string | null;
  gated: boolean;
  private: boolean;
  /** URL of its web page. */
  page: string;
}

export interface HubModelFacts extends HubFacts, GgufChoice {
  /** Of a repo of several GGUF files: they are models to choose from, and this is none yet. */
  ggufs?: HubGguf[];
  /** Number of files in a download, and their bytes. */
  files: number;
  bytes: number;
  /** Of these, bytes in files that are downloaded completely. */
  bytesHere: number;
  /** Some file is downloaded in part. */
  begun: boolean;
  /** All of it is downloaded. */
  complete: boolean;
  /** The Hub could not be reached: this is an earlier download of the revision. */
  offline: boolean;
}

/** A data set on a Hub, and its files that may hold rows. */
export interface HubDataFacts extends HubFacts {
  dataFiles: { path: string; size: number }[];
}

/** What is stored for this page, and what the browser reports about its storage. */
export interface StorageReport {
  repos: CachedRepo[];
  /** Cached 4-bit weights. */
  quantized: CachedModelInfo[];
  /** Bytes that this page uses and may use, by the browser's count; null where it does not report them. */
  usage: number | null;
  quota: number | null;
  /** Whether the browser spares them when space runs low; null where it does not report it. */
  persisted: boolean | null;
}

/** Everything about a Hub and downloads from it: one worker owns the token. */
export interface HubApi {
  /** Lets another worker read ranges of models' files through `port`, by a HubFilesApi. */
  serve(port: MessagePort): Promise<void>;
  /** Chooses the Hub for further requests. Throws `hub.bad_endpoint`. */
  configure(choice: HubChoice): Promise<{ host: string; official: boolean }>;
  /** Sets the token, which is stored in this worker's memory and nowhere else; null forgets it. */
  setToken(token: string | null): Promise<void>;
  /** The most downloaded models that match a name and that Graft may be able to read. */
  search(query: string): Promise<FoundModel[]>;
  /**
   * Looks a model up; nothing of its weights is read. A repo of GGUF files is the one that `gguf` names, or the only
   * one; without either it lists them.
   * Throws `hub.is_adapter`, `formats.gguf_split`.
   */
  lookUp(reference: string, gguf?: string): Promise<HubModelFacts>;
  /** Looks up a PEFT adapter, which is read without a download. Throws `hub.not_adapter`. */
  lookUpAdapter(reference: string): Promise<HubFacts>;
  /** Downloads a model. `cancelled` if the user ended it: a later download continues from what arrived. */
  download(
    model: HubRef & GgufChoice,
    onProgress: (progress: DownloadProgress) => void,
    onWait: () => void,
  ): Promise<{ cancelled: boolean }>;
  /** Looks up a data set and its files. */
  lookUpData(reference: string): Promise<HubDataFacts>;
  /** Downloads one file of a data set. */
  downloadData(
    dataset: HubRef,
    path: string,
    onProgress: (progress: DownloadProgress) => void,
    onWait: () => void,
  ): Promise<{ cancelled: boolean }>;
  /** Ends the download of the model or of the data file; what arrived stays. */
  cancelDownload(what: 'model' | 'data'): Promise<void>;
  /**
   * Pushes files to a model repo as one commit. `cancelled` if the user ended it; then there is no outcome. Refuses local
   * paths in them unless `pathsAllowed`.
   */
  push(
    repo: string,
    files: NamedBlob[],
    options: Pick<PushOptions, 'private' | 'title'> & { pathsAllowed: boolean },
    onProgress: (progress: PushProgress) => void,
  ): Promise<{ cancelled: boolean; outcome: PushOutcome | null }>;
  cancelPush(): Promise<void>;
  storage(): Promise<StorageReport>;
  /** Removes a model at a commit, or without one all of a repo. */
  remove(host: string, repo: string, commit: string | null): Promise<void>;
  /** Removes 4-bit weights, by their key. */
  removeQuantized(key: string): Promise<void>;
}

/** Files of models on a Hub, by ranges: the hub worker's API for other workers. */
export interface HubFilesApi {
  list(model: HubRef & GgufChoice): Promise<{ name: string; size: number }[]>;
  /** Bytes `offset` to `offset + length` of a file; they are transferred. */
  read(
    model: HubRef & GgufChoice,
    file: string,
    offset: number,
    length: number,
  ): Promise<Uint8Array<ArrayBuffer>>;
}
