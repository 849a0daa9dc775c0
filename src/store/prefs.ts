import * as v from 'valibot';
import type { SliceOf } from './state.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** Languages of the page. */
export const languages = ['en', 'zh'] as const;
export type Language = (typeof languages)[number];

export interface Prefs {
  theme: Theme;
  /** The language that was chosen; null for what the browser prefers. */
  language: Language | null;
  /** Whether the preview marks the trained tokens. */
  markTrained: boolean;
  /** Memory of the GPU in GB, which no browser tells; null where the person didn't either. */
  gpuMemoryGB: number | null;
  /** Address of the Hub to ask; null for the official one. */
  hubEndpoint: string | null;
}

export interface PrefsSlice {
  prefs: Prefs;
  setPref<Key extends keyof Prefs>(key: Key, value: Prefs[Key]): void;
}

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

/** The preferences kept in this browser; the defaults where there are none or storage is denied. */
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
