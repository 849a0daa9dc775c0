import type { CachedModel, FoundModel, HubChoice, HubModelFacts } from '../workers/hubProtocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { readPrefs } from './prefs.ts';
import { busyWith, type SliceOf } from './state.ts';

export interface HubState {
  /** How the Hub is reached. Whether there is a token is known here; the token itself is only in the hub worker. */
  choice: HubChoice;
  host: string;
  hasToken: boolean;
  /** Who signed in, where the token came from that. */
  account: string | null;
  settingsError: ErrorNote | null;
  searching: boolean;
  /** What was searched for last, and what was found; null before a search. */
  found: { query: string; models: FoundModel[] } | null;
  /** The model that is being looked up. */
  lookingUp: string | null;
  error: ErrorNote | null;
}

export interface HubSlice {
  hub: HubState;
  /** Resolves when the hub worker knows which Hub to ask. */
  hubReady(): Promise<void>;
  /** Searches by name, or looks up what is written as a reference: `org/name`, with a revision, or an address. */
  findModel(text: string): Promise<void>;
  /** Looks up a model and opens what can be known of it before a download; the download itself, where there is one. */
  pickModel(reference: string): Promise<void>;
  /** Opens a model that was downloaded, without asking the Hub. */
  openStored(model: CachedModel): Promise<void>;
  /** Chooses the Hub to ask, and whether it may have the token; false where that can't be, with the reason in `settingsError`. */
  configureHub(changes: Partial<HubChoice>): Promise<boolean>;
  /** Gives the token to the hub worker; null forgets it. @param account who it belongs to, where that is known */
  setToken(token: string | null, account?: string | null): Promise<void>;
  /** Shows why signing in came to nothing. */
  refuseSignIn(error: unknown): void;
  dismissHubError(): void;
  /** Called when the hub worker is lost, and with it the token. */
  hubLost(error: unknown): void;
}

const officialHost = 'huggingface.co';

export const createHubSlice: SliceOf<HubSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<HubState>) => set(({ hub }) => ({ hub: { ...hub, ...changes } }));
    let configured: Promise<unknown> | null = null;

    /** The worker knows of the endpoint before it is asked anything; it starts with the first question. */
    const ready = async (): Promise<void> => {
      configured ??= workers.hub.call.configure(get().hub.choice).then(({ host }) => patch({ host }));
      await configured.catch((error: unknown) => {
        configured = null;
        throw error;
      });
    };

    const search = async (query: string) => {
      patch({ searching: true, error: null });
      try {
        await ready();
        const models = await workers.hub.call.search(query);
        patch({ found: { query, models } });
        get().announce({ kind: 'modelsFound', found: models.length });
      } catch (error) {
        patch({ error: noteOf(error) });
      } finally {
        patch({ searching: false });
      }
    };

    return {
      hub: {
        choice: { endpoint: readPrefs().hubEndpoint, tokenForEndpoint: false },
        host: officialHost,
        hasToken: false,
        account: null,
        settingsError: null,
        searching: false,
        found: null,
        lookingUp: null,
        error: null,
      },
      hubReady: ready,
      async findModel(text) {
        const query = text.trim();
        const { searching, lookingUp } = get().hub;
        if (query === '' || searching || lookingUp !== null) return;
        if (isReference(query)) await get().pickModel(query);
        else await search(query);
      },
      async pickModel(reference) {
        if (busyWith(get()) || get().hub.lookingUp !== null) return;
        patch({ lookingUp: reference, error: null });
        try {
          await ready();
          const facts = await workers.hub.call.lookUp(reference);
          patch({ lookingUp: null });
          await get().chooseModel(sourceOf(facts), facts);
        } catch (error) {
          patch({ lookingUp: null, error: noteOf(error) });
        }
      },
      async openStored({ host, repo, commit, revision, license, bytes }) {
        const endpoint = `${/^(?:localhost|127\.)/.test(host) ? 'http' : 'https'}://${host}`;
        const facts: HubModelFacts = {
          ...{ endpoint, host, repo, commit, revision, license, bytes, gated: false, private: false },
          ...{ page: `${endpoint}/${repo}`, files: 0, bytesHere: bytes, begun: false },
          ...{ complete: true, offline: false },
        };
        await get().chooseModel(sourceOf(facts), facts);
      },
      async configureHub(changes) {
        const before = get().hub.choice;
        const choice = { ...before, ...changes };
        // A word for one endpoint is no word for the next.
        if (choice.endpoint !== before.endpoint) choice.tokenForEndpoint = false;
        try {
          const { host, official } = await workers.hub.call.configure(choice);
          const endpoint = official ? null : choice.endpoint;
          configured = Promise.resolve();
          patch({ choice: { ...choice, endpoint }, host, settingsError: null, found: null, error: null });
          get().setPref('hubEndpoint', endpoint);
          return true;
        } catch (error) {
          patch({ settingsError: noteOf(error) });
          return false;
        }
      },
      async setToken(token, account = null) {
        try {
          await ready();
          await workers.hub.call.setToken(token);
          patch({ hasToken: token !== null, account: token === null ? null : account, settingsError: null });
        } catch (error) {
          patch({ settingsError: noteOf(error) });
        }
      },
      refuseSignIn: (error) => patch({ settingsError: noteOf(error) }),
      dismissHubError: () => patch({ error: null, settingsError: null }),
      hubLost(error) {
        configured = null;
        const { choice, hasToken } = get().hub;
        patch({
          choice: { ...choice, tokenForEndpoint: false },
          hasToken: false,
          account: null,
          searching: false,
          lookingUp: null,
          ...(hasToken && { settingsError: noteOf(error) }),
        });
      },
    };
  };

/** Whether a text names one model rather than being something to search for. */
export function isReference(text: string): boolean {
  return text.includes('/') || text.startsWith('hf:') || text.includes('@');
}

/** Where a model of a Hub is read: from this device once it is complete there. */
export function sourceOf({ endpoint, host, repo, commit, license, complete }: HubModelFacts) {
  const name = repo.split('/').at(-1)!;
  return complete
    ? ({ kind: 'cached', name, host, repo, commit } as const)
    : ({ kind: 'hub', name, endpoint, repo, commit, license } as const);
}
