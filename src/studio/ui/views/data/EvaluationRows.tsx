import { useState, type DragEvent } from 'react';
import { Button } from 'react-aria-components';
import { MIN_ROWS_TO_HOLD_OUT } from '../../../../base/config/evaluationSplit.ts';
import { useStudio } from '../../../store/index.ts';
import { shownRecipe } from '../../../store/steps.ts';
import { FileButton } from '../../controls/FileButton.tsx';
import { Icon } from '../../controls/Icon.tsx';
import { ErrorNotice } from '../../controls/Notice.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { SwitchInput } from '../../controls/SwitchInput.tsx';
import { formatCount } from '../../format.ts';
import { t } from '../../text/index.ts';
import { DataProblems } from './DataProblems.tsx';

/** A fraction to hold out of data that is too small to hold out any by itself. */
const FRACTION = 0.1;

/** Which rows the loss is measured on: some of these, held out, or those of a validation file. */
export function EvaluationRows({ disabled }: { disabled: boolean }) {
  const { reading, summary, error } = useStudio((state) => state.validation);
  const dismiss = useStudio((state) => state.dismissValidationError);
  return (
    <section className="part held" aria-labelledby="held-title">
      <div className="part__head">
        <h3 id="held-title">{t('held.title')}</h3>
        {!summary && <Split disabled={disabled} />}
      </div>
      <ErrorNotice error={error} onDismiss={dismiss} />
      {reading !== null && <ProgressLine label={t('held.reading', { name: reading })} progress={null} />}
      {summary ? <ValidationFile disabled={disabled} /> : <HeldOut />}
      {!summary && <DropSlot disabled={disabled || reading !== null} />}
    </section>
  );
}

function Split({ disabled }: { disabled: boolean }) {
  const fraction = useStudio((state) => shownRecipe(state).eval_fraction);
  const held = useStudio(({ dataset }) => dataset.tokenized?.evalRows ?? 0);
  const set = useStudio((state) => state.setFieldValue);
  const enough = useStudio(
    ({ dataset }) =>
      (dataset.tokenized?.rows ?? 0) + (dataset.tokenized?.evalRows ?? 0) >= MIN_ROWS_TO_HOLD_OUT,
  );
  return (
    <SwitchInput
      label={t('held.switch')}
      selected={fraction === 'auto' ? held > 0 : fraction > 0}
      disabled={disabled}
      onChange={(on) => set('eval_fraction', on ? (enough ? 'auto' : FRACTION) : 0)}
    />
  );
}

function HeldOut() {
  const tokenized = useStudio((state) => state.dataset.tokenized);
  const fraction = useStudio((state) => shownRecipe(state).eval_fraction);
  if (!tokenized) return null;
  const { rows, evalRows } = tokenized;
  if (evalRows > 0)
    return <p className="remark">{t('held.split', { n: evalRows, all: formatCount(rows + evalRows) })}</p>;
  const few = fraction === 'auto';
  return <p className="remark">{few ? t('held.few', { min: MIN_ROWS_TO_HOLD_OUT }) : t('held.none')}</p>;
}

function ValidationFile({ disabled }: { disabled: boolean }) {
  const { summary } = useStudio((state) => state.validation);
  const tokenized = useStudio((state) => state.dataset.tokenized);
  const open = useStudio((state) => state.openValidation);
  if (!summary) return null;
  const { name } = summary;
  const problems = tokenized?.validation;
  return (
    <>
      <div className="held__file">
        <Icon name="file" />
        <p>{tokenized ? t('held.file', { name, n: tokenized.evalRows }) : t('held.fileUnused', { name })}</p>
        <Button
          className="icon-button"
          isDisabled={disabled}
          aria-label={t('held.remove', { name })}
          onPress={() => void open(null)}
        >
          <Icon name="cross" size={14} />
        </Button>
      </div>
      {problems && <DataProblems problems={problems.problems} count={problems.problemCount} />}
    </>
  );
}

/** Takes a validation file by itself: dropped anywhere else, a file is data to train on. */
function DropSlot({ disabled }: { disabled: boolean }) {
  const open = useStudio((state) => state.openValidation);
  const [over, setOver] = useState(false);
  const take = (file: File | undefined) => file && void open({ kind: 'file', file });
  const isFile = (event: DragEvent) => !disabled && event.dataTransfer.types.includes('Files');
  const drop = (event: DragEvent) => {
    if (!isFile(event)) return;
    event.preventDefault();
    // The page would read it as data to train on.
    event.stopPropagation();
    delete document.documentElement.dataset.dragging;
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- a drop is a shortcut for the button inside
    <div
      className="held__slot"
      data-over={over}
      onDragEnter={(event) => setOver(isFile(event))}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={drop}
    >
      <FileButton
        label={t('held.choose')}
        icon="file"
        accept=".jsonl,.json,.ndjson,.csv,.tsv,.parquet,.txt"
        disabled={disabled}
        onFiles={([first]) => take(first?.file)}
      />
      <span>{t('held.hint')}</span>
    </div>
  );
}
