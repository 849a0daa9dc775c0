import { useSyncExternalStore } from 'react';
import { metrics } from '../../../store/index.ts';
import { Fold } from '../../controls/Fold.tsx';
import { formatCount, formatLoss, formatSmall } from '../../format.ts';
import { t } from '../../text/index.ts';

const LIMIT = 200;

/** The chart's numbers as a table, for users who can't or don't want to use the chart. */
export function MetricsTable() {
  return (
    <Fold title={t('train.table')}>
      <Rows />
    </Fold>
  );
}

function Rows() {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const stride = Math.max(1, Math.ceil(metrics.length / LIMIT));
  const evaluations = new Map(metrics.evaluations.map(({ step, loss }) => [step, loss]));
  const rows = Array.from({ length: metrics.length }, (_, i) => i).filter(
    (i) => i % stride === 0 || i === metrics.length - 1 || evaluations.has(metrics.at('step', i)),
  );
  return (
    <>
      {stride > 1 && (
        <p className="remark table-tools">{t('train.tableThinned', { stride, n: metrics.length })}</p>
      )}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus */}
      <section className="table-scroll" tabIndex={0} aria-label={t('train.table')}>
        <table className="table">
          <thead>
            <tr>
              {[
                t('train.step'),
                t('train.loss'),
                t('train.smoothedLoss'),
                t('train.eval'),
                t('train.lr'),
                t('train.gradNorm'),
              ].map((name) => (
                <th key={name} scope="col" className="table__number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((i) => {
              const evaluation = evaluations.get(metrics.at('step', i));
              return (
                <tr key={i}>
                  <td className="table__number">{formatCount(metrics.at('step', i))}</td>
                  <td className="table__number">{formatLoss(metrics.at('loss', i))}</td>
                  <td className="table__number">{formatLoss(metrics.at('smoothed', i))}</td>
                  <td className="table__number">{evaluation === undefined ? '' : formatLoss(evaluation)}</td>
                  <td className="table__number">{formatSmall(metrics.at('lr', i))}</td>
                  <td className="table__number">{formatLoss(metrics.at('gradNorm', i))}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </>
  );
}
