import { useSyncExternalStore } from 'react';
import { Button } from 'react-aria-components';
import { metrics } from '../../store/index.ts';
import { Fold } from '../controls/Fold.tsx';
import { Icon } from '../controls/Icon.tsx';
import { downloadFile } from '../files.ts';
import { formatCount, formatLoss, formatSmall } from '../format.ts';
import { t } from '../text/index.ts';

const LIMIT = 200;

/** The chart's numbers for those who can't or won't look at the chart, and as a file. */
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
      <div className="row row--tight table-tools">
        <Button
          className="button button--small"
          onPress={() => downloadFile(new Blob([metricsCsv()], { type: 'text/csv' }), 'metrics.csv')}
        >
          <Icon name="download" />
          {t('train.downloadMetrics')}
        </Button>
        {stride > 1 && (
          <span className="remark">{t('train.tableThinned', { stride, n: metrics.length })}</span>
        )}
      </div>
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

/** Every step of the run with full digits. */
function metricsCsv(): string {
  const evaluations = new Map(metrics.evaluations.map(({ step, loss }) => [step, loss]));
  const lines = ['step,loss,smoothed_loss,eval_loss,lr,grad_norm,tokens_per_second'];
  for (let i = 0; i < metrics.length; i++) {
    const step = metrics.at('step', i);
    const cells = [
      step,
      metrics.at('loss', i),
      metrics.at('smoothed', i),
      evaluations.get(step) ?? '',
      metrics.at('lr', i),
      metrics.at('gradNorm', i),
      metrics.at('tokensPerSecond', i),
    ];
    lines.push(cells.join(','));
  }
  return `${lines.join('\n')}\n`;
}
