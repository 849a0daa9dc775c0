import { namedGgufs, type HubModelFacts } from '../../hosts/browser/hubProtocol.ts';
import { noteOf } from './errorNote.ts';
import { readPrefs } from './prefs.ts';
import { busyWith, type SliceOf } from './state.ts';
import type { HubState, HubSlice } from './state/hub.ts';

const officialHost = 'huggingface.co';

export const createHubSlice: SliceOf<HubSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<HubState>) => set(({ hub }) => ({ hub: { ...hub, ...changes } }));
    let configured: Promise<unknown> | null = null;

    /** The worker learns the endpoint before its first request, which starts it. */
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

    const pick = async (reference: string, gguf?: string) => {
      if (busyWith(get()) || get().hub.lookingUp !== null) return;
      patch({ lookingUp: reference, error: null });
      try {
        await ready();
        const facts = await workers.hub.call.lookUp(reference, gguf);
        patch({ lookingUp: null, choosing: facts.ggufs ? facts : null });
        if (!facts.ggufs) await get().chooseModel(sourceOf(facts), facts);
      } catch (error) {
        patch({ lookingUp: null, error: noteOf(error) });
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
        choosing: null,
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
      pickModel: (reference) => pick(reference),
      async pickGguf(path) {
        const { choosing } = get().hub;
        if (!choosing) return;
        const { ggufs = [], ...facts } = choosing;
        if (!facts.complete) return pick(`${facts.repo}@${facts.commit}`, path);
        // On this device: the Hub need not be asked again.
        const bytes = ggufs.find((file) => file.path === path)?.size ?? facts.bytes;
        const chosen = { ...facts, gguf: path, bytes, bytesHere: bytes };
        patch({ choosing: null });
        await get().chooseModel(sourceOf(chosen), chosen);
      },
      async openStored({ host, repo, commit, revision, license, bytes, ggufs }) {
        const endpoint = `${/^(?:localhost|127\.)/.test(host) ? 'http' : 'https'}://${host}`;
        const facts: HubModelFacts = {
          endpoint,
          host,
          repo,
          commit,
          revision,
          license,
          bytes,
          gated: false,
          private: false,
          page: `${endpoint}/${repo}`,
          files: 0,
          bytesHere: bytes,
          begun: false,
          complete: true,
          offline: false,
          gguf: ggufs.length === 1 ? ggufs[0]!.path : undefined,
        };
        if (ggufs.length > 1) patch({ choosing: { ...facts, ggufs: namedGgufs(ggufs) } });
        else await get().chooseModel(sourceOf(facts), facts);
      },
      async configureHub(changes) {
        const before = get().hub.choice;
        const choice = { ...before, ...changes };
        // Consent for one endpoint does not apply to the next.
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

/** Whether a text names one model, as opposed to a search. */
export function isReference(text: string): boolean {
  return text.includes('/') || text.startsWith('hf:') || text.includes('@');
}

/** Where a Hub model is read from: this device, once it is complete here. */
export function sourceOf({ endpoint, host, repo, commit, license, complete, gguf }: HubModelFacts) {
  const name = gguf?.replace(/\.gguf$/i, '') ?? repo.split('/').at(-1)!;
  return complete
    ? ({ kind: 'cached', name, host, repo, commit, gguf } as const)
    : ({ kind: 'hub', name, endpoint, repo, commit, license, gguf } as const);
}
