import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { canOpenModel } from '../../../store/runs.ts';
import { busyWith } from '../../../store/state.ts';
import type { CheckpointInfo } from '../../../../hosts/browser/protocol.ts';
import { formatBytes, formatLoss, formatTime } from '../../format.ts';
import { t } from '../../text/index.ts';

/** The checkpoints of a run: pin them, or load them to try and export. */
export function Checkpoints({ id, checkpoints }: { id: string; checkpoints: readonly CheckpointInfo[] }) {
  const taken = useStudio(({ adapter }) =>
    adapter?.origin === 'trained' && adapter.run === id ? adapter.steps : null,
  );
  const possible = useStudio((state) => canOpenModel(state, id));
  const busy = useStudio((state) => busyWith(state) !== null || state.runs.working !== null);
  const take = useStudio((state) => state.takeCheckpoint);
  const pin = useStudio((state) => state.pinCheckpoint);
  if (checkpoints.length === 0) return <p className="remark">{t('runs.noCheckpoints')}</p>;
  return (
    <section>
      <h4>{t('runs.checkpoints')}</h4>
      <ul className="checkpoints">
        {checkpoints.toReversed().map(({ step, savedAt, evalLoss, best, pinned, bytes }) => (
          <li key={step} className="checkpoint">
            <span>
              <strong>{t('runs.checkpointStep', { step })}</strong>{' '}
              {best && <span className="run__status">{t('runs.bestMark')}</span>}{' '}
              {pinned && <span className="run__status">{t('runs.pinned')}</span>}{' '}
              <span className="found__note">
                {evalLoss !== null && `${t('runs.evalLoss', { loss: formatLoss(evalLoss) })} · `}
                {formatTime(savedAt)} · {formatBytes(bytes)}
              </span>
            </span>
            <span className="row row--tight">
              {taken === step ? (
                <span className="stored__open">{t('runs.taken')}</span>
              ) : (
                possible && (
                  <Button
                    className="button button--small"
                    isDisabled={busy}
                    aria-label={t('runs.takeName', { step })}
                    onPress={() => void take(id, step)}
                  >
                    {t('runs.take')}
                  </Button>
                )
              )}
              <Button
                className="button button--small"
                isDisabled={busy}
                aria-label={t(pinned ? 'runs.unpinName' : 'runs.pinName', { step })}
                onPress={() => void pin(id, step, !pinned)}
              >
                {t(pinned ? 'runs.unpin' : 'runs.pin')}
              </Button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
