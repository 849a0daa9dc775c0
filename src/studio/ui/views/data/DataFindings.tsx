import { Button } from 'react-aria-components';
import type { Recipe } from '../../../../base/config/recipe.ts';
import { useStudio } from '../../../store/index.ts';
import { isTraining } from '../../../store/state.ts';
import type { FindingCode, FindingSummary } from '../../../../hosts/browser/dataProtocol.ts';
import { Icon } from '../../controls/Icon.tsx';
import { Notice } from '../../controls/Notice.tsx';
import { formatCount } from '../../format.ts';
import { t, type TextKey } from '../../text/index.ts';

/** The linter's findings in usable rows: count, rows, why it matters, and a fix. */
export function DataFindings() {
  const { findings: found, linting } = useStudio((state) => state.dataset);
  const hasTokens = useStudio((state) => state.dataset.tokenized !== null);
  // Preference data has its own notice in the step.
  const findings = found.filter(({ code }) => code !== 'preference');
  if (findings.length === 0) {
    return hasTokens && !linting ? <Notice tone="good">{t('lint.nothing')}</Notice> : null;
  }
  return (
    <section className="part" aria-labelledby="lint-title" aria-busy={linting}>
      <h3 id="lint-title">{t('lint.title')}</h3>
      <ul className="findings">
        {findings.map((finding) => (
          <FindingItem key={finding.code} finding={finding} />
        ))}
      </ul>
    </section>
  );
}

function FindingItem({ finding }: { finding: FindingSummary }) {
  const { code, severity, count, rows, params } = finding;
  const showRow = useStudio((state) => state.showRow);
  const changeRows = useStudio((state) => state.changeRows);
  const canShow = useStudio((state) => state.dataset.tokenized !== null);
  const disabled = useStudio((state) => isTraining(state) || state.dataset.tokenizing);
  return (
    <li className="finding" data-severity={severity}>
      <Icon name={severity === 'hint' ? 'info' : 'warning'} />
      <div className="finding__text">
        <p className="finding__what">
          <span className="finding__tag">{t(`lint.severity.${severity}`)}</span>
          {t(`lint.${code}`, { n: count, ...params })}
        </p>
        <p>{t(`lint.${code}.why`, params)}</p>
        {count > 0 && (
          <p className="finding__rows">
            {t('lint.lines')}{' '}
            {rows.map(({ position, line }) =>
              canShow ? (
                <Button
                  key={position}
                  className="link"
                  aria-label={t('data.showLine', { line })}
                  onPress={() => void showRow(position)}
                >
                  {formatCount(line)}
                </Button>
              ) : (
                <span key={position}>{formatCount(line)}</span>
              ),
            )}
            {count > rows.length && ' …'}
          </p>
        )}
      </div>
      {count > 0 && (
        <div className="finding__actions">
          <Remedy code={code} disabled={disabled} />
          {!bothOrNeither.has(code) && (
            <Button
              className="button button--small"
              aria-label={`${t('lint.exclude', { n: count })}: ${t(`lint.${code}`, { n: count, ...params })}`}
              isDisabled={disabled}
              onPress={() => void changeRows({ kind: 'excludeFound', code })}
            >
              {t('lint.exclude', { n: count })}
            </Button>
          )}
        </div>
      )}
    </li>
  );
}

/** Findings of rows that are only wrong beside each other: which of them, someone has to say. */
const bothOrNeither: ReadonlySet<FindingCode> = new Set(['contradiction']);

/** Settings that resolve a finding without excluding rows. */
const remedies: Partial<Record<FindingCode, { label: TextKey; changes: Partial<Recipe> }>> = {
  turnsSkipped: { label: 'lint.splitTurns', changes: { split_turns: true } },
  thoughtsDropped: { label: 'lint.splitTurns', changes: { split_turns: true } },
  literalTokens: { label: 'lint.encodeAsText', changes: { special_tokens_in_text: 'text' } },
};

function Remedy({ code, disabled }: { code: FindingCode; disabled: boolean }) {
  const setFields = useStudio((state) => state.setFields);
  const remedy = remedies[code];
  if (!remedy) return null;
  return (
    <Button className="button button--small" isDisabled={disabled} onPress={() => setFields(remedy.changes)}>
      {t(remedy.label)}
    </Button>
  );
}
