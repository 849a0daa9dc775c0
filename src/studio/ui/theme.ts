import { useEffect, useSyncExternalStore } from 'react';
import { useStudio } from '../store/index.ts';

const preference = window.matchMedia('(prefers-color-scheme: dark)');

function subscribe(listener: () => void): () => void {
  preference.addEventListener('change', listener);
  return () => preference.removeEventListener('change', listener);
}

/** Whether the page is dark now, by the user's choice or the system's. */
export function useDarkness(): boolean {
  const systemDark = useSyncExternalStore(subscribe, () => preference.matches);
  const theme = useStudio((state) => state.prefs.theme);
  return theme === 'system' ? systemDark : theme === 'dark';
}

/** Applies the page's theme; rendered once, at the top. */
export function ThemeSetter() {
  const dark = useDarkness();
  useEffect(() => {
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  }, [dark]);
  return null;
}
