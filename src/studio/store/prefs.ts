import * as v from 'valibot';
import type { SliceOf } from './state.ts';
import { themes, languages, type Prefs, type PrefsSlice } from './state/prefs.ts';

const STORAGE_KEY = 'graft.prefs';
const defaults: Prefs = {
  theme: 'system',
  language: null,
  markTrained: true,
  gpuMemoryGB: null,
  hubEndpoint: null,
};
const schema = v.object({
  theme: v.fallback(v.picklist(themes), defaults.theme),
  language: v.fallback(v.nullable(v.picklist(languages)), defaults.language),
  markTrained: v.fallback(v.boolean(), defaults.markTrained),
  gpuMemoryGB: v.fallback(v.nullable(v.pipe(v.number(), v.gtValue(0), v.finite())), defaults.gpuMemoryGB),
  hubEndpoint: v.fallback(v.nullable(v.string()), defaults.hubEndpoint),
});

export const createPrefsSlice: SliceOf<PrefsSlice> = () => (set, get) => ({
  prefs: readPrefs(),
  setPref(key, value) {
    set({ prefs: { ...get().prefs, [key]: value } });
    writePrefs(get().prefs);
  },
});

/** The preferences stored in this browser; the defaults if there are none or storage is denied. */
export function readPrefs(): Prefs {
  try {
    const result = v.safeParse(schema, JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}'));
    return result.success ? result.output : defaults;
  } catch {
    return defaults;
  }
}

function writePrefs(prefs: Prefs): void {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(prefs));
  } catch {
    // Private windows may deny storage; the choice then holds for this visit.
  }
}
