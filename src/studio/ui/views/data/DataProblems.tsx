import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { isTraining } from '../../../store/state.ts';
import type { RowProblem } from '../../../../hosts/browser/dataProtocol.ts';
import { Notice } from '../../controls/Notice.tsx';
import { errorText, t } from '../../text/index.ts';

/** Number of problems listed at once. */
const SHOWN = 8;

/** The first unusable rows, each with advice. */
export function DataProblems({ problems, count }: { problems: RowProblem[]; count: number }) {
  if (count === 0) return null;
  const shown = problems.toSorted((a, b) => a.line - b.line).slice(0, SHOWN);
  return (
    <Notice tone="warning">
      <p className="notice__what">{t('data.problems', { n: count })}</p>
      <ul className="problems">
        {shown.map((problem, index) => (
          <li key={index} className="problem">
            <span>{problemText(problem)}</span>
            <Actions problem={problem} />
          </li>
        ))}
        {count > shown.length && <li>{t('data.problemsMore', { n: count - shown.length })}</li>}
      </ul>
    </Notice>
  );
}

/** The problem of a row and the one thing to do. */
export function problemText({ code, params }: RowProblem): string {
  const { what, next } = errorText(code, params);
  return t('unit.sentences', { first: what, second: next });
}

function Actions({ problem: { position, line } }: { problem: RowProblem }) {
  const showRow = useStudio((state) => state.showRow);
  const changeRows = useStudio((state) => state.changeRows);
  const canShow = useStudio((state) => state.dataset.tokenized !== null);
  const disabled = useStudio((state) => isTraining(state) || state.dataset.tokenizing);
  if (position === null || !canShow) return null;
  return (
    <span className="problem__actions">
      <Button
        className="button button--small"
        aria-label={t('data.showLine', { line })}
        onPress={() => void showRow(position)}
      >
        {t('data.show')}
      </Button>
      <Button
        className="button button--small"
        aria-label={t('data.excludeLine', { line })}
        isDisabled={disabled}
        onPress={() => void changeRows({ kind: 'exclude', position })}
      >
        {t('data.exclude')}
      </Button>
    </span>
  );
}
