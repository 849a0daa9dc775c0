import { useStudio } from '../../store/index.ts';
import { busyWith } from '../../store/state.ts';
import { Icon } from '../controls/Icon.tsx';
import { t } from '../text/index.ts';

/** Covers the window while files are dragged over it, and says what will happen; styles show it. */
export function DropOverlay() {
  const busy = useStudio(busyWith);
  return (
    <div className="drop-overlay" aria-hidden="true">
      <div className="drop-overlay__card">
        <Icon name="upload" size={32} />
        <p className="drop-overlay__title">{t('intake.dropTitle')}</p>
        <p>{t('intake.dropHelp')}</p>
        {busy && (
          <p className="drop-overlay__wait">{t('intake.dropBusy', { reason: t(`intake.waits.${busy}`) })}</p>
        )}
      </div>
    </div>
  );
}
