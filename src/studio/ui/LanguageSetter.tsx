import { useEffect } from 'react';
import { useStudio } from '../store/index.ts';
import { currentLanguage, preferredLanguage, showLanguage } from './text/current.ts';

/** Applies the chosen language, or the browser's; rendered once, at the top. */
export function LanguageSetter() {
  const chosen = useStudio((state) => state.prefs.language);
  const setPref = useStudio((state) => state.setPref);
  useEffect(() => {
    const show = () =>
      void showLanguage(chosen ?? preferredLanguage(navigator.languages)).catch(() => {
        // Its texts could not be fetched: the switch then shows the actual language.
        if (chosen) setPref('language', currentLanguage());
      });
    show();
    window.addEventListener('languagechange', show);
    return () => window.removeEventListener('languagechange', show);
  }, [chosen, setPref]);
  return null;
}
