import { Button } from 'react-aria-components';
import { mergeBase } from '../../../store/exporting.ts';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { formatLoss, formatSmall } from '../../format.ts';
import { t } from '../../text/index.ts';

/** What merging into each dtype changes, measured on the evaluation split; nothing without one. */
export function DtypeComparison() {
  const { measuring, comparison } = useStudio((state) => state.exporting);
  const rows = useStudio((state) => state.run.evalRows);
  const onto = useStudio((state) => state.exportChoices.onto);
  const base = useStudio(mergeBase);
  const compareDtypes = useStudio((state) => state.compareDtypes);
  const busy = useStudio((state) => busyWith(state) !== null);
  if (rows === 0) return null;
  if (measuring === 'dtypes') return <ProgressLine label={t('dtypes.comparing')} progress={null} />;
  if (comparison?.onto === (base === 'choice' ? onto : base)) return <DtypeTable />;
  return (
    <div>
      <Button className="button button--small" isDisabled={busy} onPress={() => void compareDtypes()}>
        {t('dtypes.compare', { n: rows })}
      </Button>
    </div>
  );
}

function DtypeTable() {
  const comparison = useStudio((state) => state.exporting.comparison);
  const stored = useStudio((state) => state.model.summary?.dtypes.join(', ') ?? '');
  if (!comparison) return null;
  const { unmerged, dtypes } = comparison;
  return (
    <table className="table">
      <caption>
        {t('dtypes.caption', { loss: formatLoss(unmerged.loss), logit: formatSmall(unmerged.maxLogit) })}
      </caption>
      <thead>
        <tr>
          <th scope="col">{t('dtypes.dtype')}</th>
          <th scope="col">{t('dtypes.loss')}</th>
          <th scope="col">{t('dtypes.logit')}</th>
        </tr>
      </thead>
      <tbody>
        {dtypes.map((one) => (
          <tr key={one.dtype}>
            <th scope="row">{one.dtype ?? t('export.result.floats', { dtypes: stored })}</th>
            {'overflow' in one ? (
              <td colSpan={2}>{t('dtypes.overflow', { tensor: one.overflow })}</td>
            ) : (
              <>
                <td>{formatLoss(one.loss)}</td>
                <td>{formatSmall(one.maxLogitChange)}</td>
              </>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
