import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useStudio } from '../store/index.ts';
import { languages, themes, type Language, type Theme } from '../store/prefs.ts';
import { Icon, Mark } from './controls/Icon.tsx';
import { languageTags, useLanguage } from './text/current.ts';
import { t } from './text/index.ts';

/** Short for the narrow masthead, and in the language itself: so it is found by those who read no other. */
const languageMarks = { en: 'EN', zh: '中文' } as const;
const themeIcons = { system: 'system', light: 'sun', dark: 'moon' } as const;

/** Name, language and theme. */
export function Masthead() {
  const theme = useStudio((state) => state.prefs.theme);
  const language = useLanguage();
  const setPref = useStudio((state) => state.setPref);
  return (
    <header className="masthead">
      <a className="skip" href="#model">
        {t('app.skip')}
      </a>
      <p className="masthead__name">
        <Mark />
        {t('app.name')}
      </p>
      <div className="masthead__choices">
        <ToggleButtonGroup
          className="segments"
          aria-label={t('language.label')}
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[language]}
          onSelectionChange={(keys) => {
            const [chosen] = keys;
            if (chosen) setPref('language', chosen as Language);
          }}
        >
          {languages.map((name) => (
            <ToggleButton
              key={name}
              id={name}
              className="segment segment--text"
              aria-label={t(`language.${name}`)}
            >
              <span lang={languageTags[name]}>{languageMarks[name]}</span>
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
        <ToggleButtonGroup
          className="segments"
          aria-label={t('theme.label')}
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[theme]}
          onSelectionChange={(keys) => {
            const [chosen] = keys;
            if (chosen) setPref('theme', chosen as Theme);
          }}
        >
          {themes.map((name) => (
            <ToggleButton key={name} id={name} className="segment" aria-label={t(`theme.${name}`)}>
              <Icon name={themeIcons[name]} />
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
      </div>
    </header>
  );
}
