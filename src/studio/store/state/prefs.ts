export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** Languages of the user interface. */
export const languages = ['en', 'zh'] as const;
export type Language = (typeof languages)[number];

export interface Prefs {
  theme: Theme;
  /** The chosen language; null for the browser's preference. */
  language: Language | null;
  /** Whether the preview marks the trained tokens. */
  markTrained: boolean;
  /** GPU memory in GB, which browsers don't reveal; null if the user hasn't entered it. */
  gpuMemoryGB: number | null;
  /** Address of the Hub; null for the official one. */
  hubEndpoint: string | null;
}

export interface PrefsSlice {
  prefs: Prefs;
  setPref<Key extends keyof Prefs>(key: Key, value: Prefs[Key]): void;
}
