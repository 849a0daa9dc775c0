import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { languages, themes, type Language, type Theme } from '../../store/state/prefs.ts';
import { Icon, Mark } from '../controls/Icon.tsx';
import { languageTags, useLanguage } from '../text/current.ts';
import { t } from '../text/index.ts';
import { shownName } from './shownName.ts';
import { titleOf } from './View.tsx';

/** Short for the narrow masthead, and in the language itself, so that its readers find it. */
const languageMarks = { en: 'EN', zh: '中文' } as const;
const themeIcons = { system: 'system', light: 'sun', dark: 'moon' } as const;

/** Name, language and theme. */
export function Masthead() {
  const theme = useStudio((state) => state.prefs.theme);
  const language = useLanguage();
  const setPref = useStudio((state) => state.setPref);
  return (
    <header className="masthead">
      <SkipLink />
      <h1 className="masthead__name">
        <Mark />
        <span className="masthead__word">{t('app.name')}</span>
      </h1>
      <ProjectLabel />
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

/** The first stop of the keyboard: past the rail, to the view. */
function SkipLink() {
  const view = useStudio((state) => state.view);
  return (
    <a
      className="skip"
      href={`#/${view}`}
      onClick={(event) => {
        event.preventDefault();
        document.getElementById(titleOf(view))?.focus();
      }}
    >
      {t('app.skip')}
    </a>
  );
}

/** The open project, and that it is saved. */
function ProjectLabel() {
  const open = useStudio((state) => state.projects.open);
  const entry = useStudio(({ projects }) => projects.entries.find(({ id }) => id === projects.open?.id));
  const notSaved = useStudio((state) => state.projects.notSaved !== null);
  if (!open) return null;
  return (
    <p className="masthead__project">
      <strong>{entry?.project ? shownName(entry.project) : t('projects.untitled')}</strong>
      {entry && !open.readOnly && !notSaved && <span>{t('projects.saved')}</span>}
    </p>
  );
}
