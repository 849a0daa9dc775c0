/** What the page and the hub worker say to each other, and the other workers to it. All survives structured cloning. */
import type { CachedRepo } from '../hub/modelCache.ts';
import type { DownloadProgress } from '../hub/progress.ts';
import type { PushOptions, PushOutcome, PushProgress } from '../hub/push.ts';
import type { DerivedInfo } from '../model/derived/derivedWeights.ts';
import type { FoundModel } from '../hub/searchModels.ts';
import type { NamedBlob, Result } from './protocol.ts';

export type { CachedModel, CachedRepo } from '../hub/modelCache.ts';
export type { DownloadProgress } from '../hub/progress.ts';
export type { PushOutcome, PushProgress } from '../hub/push.ts';
export type { DerivedInfo } from '../model/derived/derivedWeights.ts';
export type { FoundModel } from '../hub/searchModels.ts';

/** Where a repo is and at which commit. */
export interface HubPlace {
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
  /** The person's word that this endpoint may have the token. */
  tokenForEndpoint: boolean;
}

/** A model or data set of a Hub before anything of it is downloaded. */
export interface HubFacts extends HubPlace {
  host: string;
  /** The branch, tag or commit that was asked for. */
  revision: string;
  license: string | null;
  gated: boolean;
  private: boolean;
  /** Its page, for people. */
  page: string;
}

export interface HubModelFacts extends HubFacts {
  /** Files that a download brings, and their bytes. */
  files: number;
  bytes: number;
  /** Of these, bytes in files that are complete on this device. */
  bytesHere: number;
  /** Some file is here in part. */
  begun: boolean;
  /** All of it is here. */
  complete: boolean;
  /** The Hub could not be asked: this is what was downloaded for this revision before. */
  offline: boolean;
}

/** A data set of a Hub and its files that may hold rows. */
export interface HubDataFacts extends HubFacts {
  dataFiles: { path: string; size: number }[];
}

/** What is stored for this page, and what the browser says of it. */
export interface StorageReport {
  repos: CachedRepo[];
  /** What was made of models in 4 bits. */
  quantized: DerivedInfo[];
  /** Bytes that the browser counts for this page, and that it would allow; null where it doesn't tell. */
  usage: number | null;
  quota: number | null;
  /** Whether the browser keeps them when space runs low; null where it doesn't tell. */
  persisted: boolean | null;
}

/** Everything about a Hub and what was downloaded from it: one worker owns the token. */
export interface HubApi {
  /** Lets another worker read files of models by ranges, through `port`. */
  serve(port: MessagePort): Promise<Result<null>>;
  /** Chooses the Hub that is asked from now on. Throws `hub.bad_endpoint`. */
  configure(choice: HubChoice): Promise<Result<{ host: string; official: boolean }>>;
  /** Takes the token, which is kept in this worker's memory and nowhere else; null forgets it. */
  setToken(token: string | null): Promise<Result<null>>;
  /** The most downloaded models of a name that Graft may be able to read. */
  search(query: string): Promise<Result<FoundModel[]>>;
  /** Finds out about a model; no byte of its weights is read. */
  lookUp(reference: string): Promise<Result<HubModelFacts>>;
  /** Brings a model to this device. `cancelled` when the person ended it: what arrived is kept. */
  download(
    model: HubPlace,
    onProgress: (progress: DownloadProgress) => void,
    onWait: () => void,
  ): Promise<Result<{ cancelled: boolean }>>;
  /** Finds out about a data set and its files. */
  lookUpData(reference: string): Promise<Result<HubDataFacts>>;
  /** Brings one file of a data set to this device. */
  downloadData(
    dataset: HubPlace,
    path: string,
    onProgress: (progress: DownloadProgress) => void,
    onWait: () => void,
  ): Promise<Result<{ cancelled: boolean }>>;
  /** Ends the download of the model or of the data file; what arrived is kept. */
  cancelDownload(what: 'model' | 'data'): Promise<Result<null>>;
  /** Pushes files to a model repo as one commit. `cancelled` when the person ended it, and then no outcome. */
  push(
    repo: string,
    files: NamedBlob[],
    options: Pick<PushOptions, 'private' | 'title'>,
    onProgress: (progress: PushProgress) => void,
  ): Promise<Result<{ cancelled: boolean; outcome: PushOutcome | null }>>;
  cancelPush(): Promise<Result<null>>;
  storage(): Promise<Result<StorageReport>>;
  /** Removes a model at a commit, or without one all of a repo. */
  remove(host: string, repo: string, commit: string | null): Promise<Result<null>>;
  /** Removes 4-bit weights, by their key. */
  removeQuantized(key: string): Promise<Result<null>>;
}

/** What the hub worker gives other workers: files of a model by ranges. */
export interface HubFilesApi {
  list(model: HubPlace): Promise<Result<{ name: string; size: number }[]>>;
  /** Bytes `offset` to `offset + length` of a file; they are transferred. */
  read(
    model: HubPlace,
    file: string,
    offset: number,
    length: number,
  ): Promise<Result<Uint8Array<ArrayBuffer>>>;
}
