import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { nextView } from '../../store/steps.ts';
import { Icon } from '../controls/Icon.tsx';
import { t } from '../text/index.ts';

/** At the foot of every view: what comes next, and the way there. */
export function NextBar() {
  const view = useStudio((state) => state.view);
  const todo = useStudio((state) => nextView(state).todo);
  const next = useStudio((state) => nextView(state).view);
  const ready = useStudio((state) => nextView(state).ready);
  const showView = useStudio((state) => state.showView);
  if (next === null) return null;
  return (
    <nav className="next" aria-label={t('next.label')}>
      <p className="next__text">{t(`next.${todo}`)}</p>
      <Button
        key={view}
        className={ready ? 'button button--primary' : 'button'}
        onPress={() => showView(next)}
      >
        {t('next.go', { view: t(`view.${next}`) })}
        <Icon name="chevron" />
      </Button>
    </nav>
  );
}
