import { lazy, Suspense } from 'react';
import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { blockReason } from '../../../store/steps.ts';
import { ErrorNotice, Notice } from '../../controls/Notice.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { formatShare, formatSmall } from '../../format.ts';
import { t } from '../../text/index.ts';

const LrChart = lazy(async () => ({ default: (await import('../../charts/LrChart.tsx')).LrChart }));

/** Searches for a learning rate for model, data and recipe: a short sweep, its plot, and the suggestion. */
export function LrSearch() {
  const { status, loading, points, total, suggestion, done, error } = useStudio((state) => state.lrSearch);
  const search = useStudio((state) => state.searchLr);
  const stop = useStudio((state) => state.stopSearch);
  const close = useStudio((state) => state.closeSearch);
  const setFields = useStudio((state) => state.setFields);
  const current = useStudio((state) => state.recipe.draft.lr);
  const blocked = useStudio((state) => blockReason(state, 'train') !== null || busyWith(state) !== null);
  const taken = suggestion !== null && current === rounded(suggestion.lr);
  return (
    <div className="lr-search">
      <p className="remark">{t('lrSearch.help')}</p>
      <ErrorNotice error={error} onDismiss={close} />
      {loading && <ProgressLine label={t('train.loading')} progress={loading} />}
      {status !== 'idle' && !loading && (
        <ProgressLine
          label={t('lrSearch.running')}
          progress={{ done: points.length, total: Math.max(1, total), unit: 'steps' }}
        />
      )}
      {points.length > 1 && (
        <Suspense>
          <LrChart points={points} suggested={suggestion?.lr ?? null} />
        </Suspense>
      )}
      {done &&
        (suggestion ? (
          <Notice tone="good">
            {t('lrSearch.found', {
              lr: formatSmall(rounded(suggestion.lr)),
              lowest: formatSmall(rounded(suggestion.lowest)),
              fall: formatShare(suggestion.fall),
            })}
          </Notice>
        ) : (
          <Notice tone="warning">{t('lrSearch.nothing')}</Notice>
        ))}
      <div className="row row--tight">
        {status === 'idle' ? (
          <Button className="button button--small" isDisabled={blocked} onPress={() => void search()}>
            {t(done ? 'lrSearch.again' : 'lrSearch.start')}
          </Button>
        ) : (
          <Button
            className="button button--small"
            isDisabled={status === 'stopping'}
            onPress={() => void stop()}
          >
            {t('lrSearch.stop')}
          </Button>
        )}
        {suggestion && (
          <Button
            className="button button--small button--primary"
            isDisabled={taken}
            onPress={() => setFields({ lr: rounded(suggestion.lr) })}
          >
            {t(taken ? 'lrSearch.taken' : 'lrSearch.take', { lr: formatSmall(rounded(suggestion.lr)) })}
          </Button>
        )}
      </div>
    </div>
  );
}

/** Two digits: a sweep is no more precise. */
function rounded(lr: number): number {
  return Number(lr.toPrecision(2));
}
