import { Button } from 'react-aria-components';
import { isExact, sideReport } from '../../../store/batchReport.ts';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import type { BatchRow } from '../../../store/state/batch.ts';
import { sideIds, type Side } from '../../../store/state/tryout.ts';
import { splitThought } from '../../../store/thoughts.ts';
import { Icon } from '../../controls/Icon.tsx';
import { formatCount, formatSmall, formatList } from '../../format.ts';
import { errorText, t } from '../../text/index.ts';
import { authorText } from './authorText.ts';

/** Prompts, what is expected, and the answers of each side, filled row by row. */
export function BatchTable() {
  const { rows, authors, status, source } = useStudio((state) => state.batch);
  const model = useStudio((state) => state.model.summary?.name ?? '');
  const sides = sideIds.filter((side) => authors?.[side]);
  const hasExpected = rows.some(({ prompt }) => prompt.expected !== null);
  return (
    <>
      {source === 'heldOut' && rows.some(({ added }) => added.length > 0) && (
        <p className="remark">{t('batch.heldOutAdded')}</p>
      )}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus */}
      <section className="table-scroll batch__table" tabIndex={0} aria-label={t('batch.table')}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t('batch.line')}</th>
              <th scope="col">{t('batch.prompt')}</th>
              {hasExpected && <th scope="col">{t('batch.expected')}</th>}
              {sides.map((side) => (
                <th key={side} scope="col">
                  {authorText(authors![side]!, model)}
                  <span className="batch__report">{reportText(rows, side)}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              // oxlint-disable-next-line react/no-array-index-key -- rows keep their places
              <tr key={index}>
                <td className="table__number">{formatCount(row.prompt.line)}</td>
                <td className="batch__text">{row.prompt.text}</td>
                {hasExpected && <td className="batch__text">{row.prompt.expected}</td>}
                {sides.map((side) => (
                  <AnswerCell key={side} row={row} index={index} side={side} isAsked={status === 'running'} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

interface AnswerCellProps {
  row: BatchRow;
  index: number;
  side: Side;
  /** Whether answers are still to come. */
  isAsked: boolean;
}

function AnswerCell({ row, index, side, isAsked }: AnswerCellProps) {
  const addBatchAnswer = useStudio((state) => state.addBatchAnswer);
  const busy = useStudio((state) => busyWith(state) !== null);
  const model = useStudio((state) => state.model.summary?.name ?? '');
  const made = row.answers[side];
  if (made === null) return <td className="batch__text">{isAsked && '…'}</td>;
  if (made.kind === 'failed') {
    const { code, params, message } = made.error;
    return <td className="batch__text batch__failed">{code ? errorText(code, params).what : message}</td>;
  }
  const { expected } = row.prompt;
  const exact = expected !== null && isExact(made.answer.text, expected);
  return (
    <td className="batch__text" data-side={side} data-exact={exact}>
      {exact && <Icon name="check" />}
      {splitThought(made.answer.text).answer || <span className="answer__empty">{t('try.emptyAnswer')}</span>}
      <span className="batch__add">
        {row.added.includes(side) ? (
          t('batch.inData')
        ) : (
          <Button
            className="button button--small"
            aria-label={t('batch.answerTool', {
              tool: t('chat.add'),
              n: row.prompt.line,
              author: authorText(made.answer.by, model),
            })}
            isDisabled={busy}
            onPress={() => void addBatchAnswer(index, side)}
          >
            {t('chat.add')}
          </Button>
        )}
      </span>
    </td>
  );
}

function reportText(rows: readonly BatchRow[], side: Side): string {
  const { compared, exact, meanTokens, cut, failed } = sideReport(rows, side);
  return formatList([
    ...(compared > 0 ? [t('batch.exact', { exact, n: compared })] : []),
    ...(meanTokens === null ? [] : [t('batch.mean', { tokens: formatSmall(meanTokens) })]),
    ...(cut > 0 ? [t('batch.cut', { n: cut })] : []),
    ...(failed > 0 ? [t('batch.failed', { n: failed })] : []),
  ]);
}
