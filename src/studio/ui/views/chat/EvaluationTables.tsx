import type { EvaluationReport, Figure, SystemReport } from '../../../../hosts/browser/protocol.ts';
import { formatCount, formatSmall } from '../../format.ts';
import { t } from '../../text/index.ts';

/** Rows in the table; the files have all. */
const SHOWN = 200;

interface ReportProps {
  report: EvaluationReport;
  /** What answers, in words. */
  names: readonly string[];
}

/** A metric a row, a system a column, with differences to the base. */
export function EvaluationFigures({ report: { systems }, names }: ReportProps) {
  // The page asks no judge.
  const figures = Object.keys(systems[0]!.figures) as Exclude<Figure, 'judge'>[];
  return (
    <>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus */}
      <section className="table-scroll" tabIndex={0} aria-label={t('evaluate.figures')}>
        <table className="table evaluate__figures">
          <thead>
            <tr>
              <th scope="col">{t('evaluate.metric')}</th>
              {names.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {figures.map((figure) => (
              <tr key={figure}>
                <th scope="row">{t(`evaluate.metric.${figure}`)}</th>
                {systems.map((system) => (
                  <td key={system.name} className="number">
                    {formatFigure(system.figures[figure]!)}
                    {system.differences && (
                      <span className="batch__report">{differenceText(system, figure)}</span>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {systems.length > 1 && <p className="remark">{t('evaluate.intervals')}</p>}
    </>
  );
}

/** What each system answers, rows that differ first. */
export function EvaluatedRows({ report: { rows, systems }, names }: ReportProps) {
  const answered = rows.filter((row) => row.systems.some(({ answer }) => answer !== null));
  if (answered.length === 0) return null;
  return (
    <>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus */}
      <section className="table-scroll batch__table" tabIndex={0} aria-label={t('evaluate.rows')}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t('batch.line')}</th>
              <th scope="col">{t('batch.prompt')}</th>
              <th scope="col">{t('batch.expected')}</th>
              {names.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {answered.slice(0, SHOWN).map((row) => (
              <tr key={row.line} data-differs={row.differs}>
                <td className="table__number">{formatCount(row.line)}</td>
                <td className="batch__text">{row.prompt}</td>
                <td className="batch__text">{row.expected}</td>
                {row.systems.map(({ answer }, i) => (
                  <td key={systems[i]!.name} className="batch__text">
                    {answer || <span className="answer__empty">{t('try.emptyAnswer')}</span>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {answered.length > SHOWN && (
        <p className="remark">{t('evaluate.shown', { shown: SHOWN, n: answered.length })}</p>
      )}
    </>
  );
}

function differenceText({ differences }: SystemReport, figure: Figure): string {
  const found = differences?.[figure];
  if (!found) return '';
  const { difference, low, high } = found;
  return t('evaluate.difference', {
    difference: formatSigned(difference),
    low: formatSigned(low),
    high: formatSigned(high),
  });
}

/** A difference with its sign. */
export function formatSigned(value: number): string {
  return `${value > 0 ? '+' : ''}${formatFigure(value)}`;
}

/** Three digits after the point: figures of 0 to 1 and losses alike. */
function formatFigure(value: number): string {
  return Math.abs(value) >= 1000 ? formatSmall(value) : value.toFixed(3).replace('-', '−');
}
