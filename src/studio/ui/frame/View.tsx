import type { ReactNode } from 'react';
import { useStudio } from '../../store/index.ts';
import type { ViewId } from '../../store/state/view.ts';
import { isReadOnly, isTraining } from '../../store/state.ts';
import { t } from '../text/index.ts';

/** Views whose settings a running training has taken already. */
const lockedViews: readonly ViewId[] = ['model', 'data', 'recipe'];
/** Views that change the project, which one tab alone may. */
const projectViews: readonly ViewId[] = [...lockedViews, 'chat'];

interface ViewProps {
  id: ViewId;
  children: ReactNode;
  /** Buttons at the right of the title. */
  aside?: ReactNode;
}

/** One of the views: its title, description and content. The title takes the focus when the view is shown. */
export function View({ id, children, aside }: ViewProps) {
  const locked = useStudio(isTraining) && lockedViews.includes(id);
  const readOnly = useStudio(isReadOnly) && projectViews.includes(id);
  return (
    <section className="view" id={id} aria-labelledby={titleOf(id)}>
      <header className="view__head">
        <h2 id={titleOf(id)} tabIndex={-1}>
          {t(`view.${id}`)}
        </h2>
        <p className="view__lead">
          {readOnly ? t('steps.readOnly') : locked ? t('steps.locked') : t(`view.${id}.lead`)}
        </p>
        {aside && (
          <fieldset className="view__aside" disabled={readOnly}>
            {aside}
          </fieldset>
        )}
      </header>
      {/* The browser itself disables everything in it. */}
      <fieldset className="view__body" disabled={readOnly}>
        {children}
      </fieldset>
    </section>
  );
}

/** The id of a view's title. */
export const titleOf = (id: ViewId): string => `${id}-title`;
