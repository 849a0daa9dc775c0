import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { useStudio } from '../store/index.ts';
import { themes, type Theme } from '../store/prefs.ts';
import { Icon, Mark } from './controls/Icon.tsx';
import { t } from './text/index.ts';

const themeIcons = { system: 'system', light: 'sun', dark: 'moon' } as const;

/** Name and theme. */
export function Masthead() {
  const theme = useStudio((state) => state.prefs.theme);
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
    </header>
  );
}
