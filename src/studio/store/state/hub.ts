import type {
  CachedModel,
  FoundModel,
  HubChoice,
  HubModelFacts,
} from '../../../hosts/browser/hubProtocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface HubState {
  /**
   * Connection to the Hub. The state only knows whether there is a token; the token itself is only in the hub worker.
   */
  choice: HubChoice;
  host: string;
  hasToken: boolean;
  /** The signed-in account, if the token came from signing in. */
  account: string | null;
  settingsError: ErrorNote | null;
  searching: boolean;
  /** The last search and its results; null before a search. */
  found: { query: string; models: FoundModel[] } | null;
  /** A repo of several GGUF files that was looked up, of which one is to be chosen; null for none. */
  choosing: HubModelFacts | null;
  /** The model being looked up. */
  lookingUp: string | null;
  error: ErrorNote | null;
}

export interface HubSlice {
  hub: HubState;
  /** Resolves once the hub worker is configured. */
  hubReady(): Promise<void>;
  /** Searches by name, or looks up a reference: `org/name`, optionally with a revision, or an address. */
  findModel(text: string): Promise<void>;
  /** Looks up a model and opens its metadata without a download, or the downloaded model if there is one. */
  pickModel(reference: string): Promise<void>;
  /** Opens one GGUF file of the repo that was looked up. */
  pickGguf(path: string): Promise<void>;
  /** Opens a downloaded model without contacting the Hub. */
  openStored(model: CachedModel): Promise<void>;
  /**
   * Sets the Hub's endpoint, and whether it may get the token. Returns false if that fails, with the reason in
   * `settingsError`.
   */
  configureHub(changes: Partial<HubChoice>): Promise<boolean>;
  /**
   * Passes the token to the hub worker; null removes it.
   * @param account its owner, if known
   */
  setToken(token: string | null, account?: string | null): Promise<void>;
  /** Shows why signing in failed. */
  refuseSignIn(error: unknown): void;
  dismissHubError(): void;
  /** Called when the hub worker is lost, and with it the token. */
  hubLost(error: unknown): void;
}
