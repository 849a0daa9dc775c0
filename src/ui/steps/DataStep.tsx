import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { rowLimit } from '../../store/plan.ts';
import { isTraining } from '../../store/state.ts';
import type { DatasetSummary, TokenizedSummary } from '../../workers/dataProtocol.ts';
import { chooseDataFile } from '../chooseFiles.ts';
import { Histogram } from '../charts/Histogram.tsx';
import { DropArea } from '../controls/DropArea.tsx';
import { Fact, Facts } from '../controls/Facts.tsx';
import { FileButton } from '../controls/FileButton.tsx';
import { ErrorNotice, Notice } from '../controls/Notice.tsx';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { formatCompact, formatCount, formatShare } from '../format.ts';
import { DataFinder } from '../hub/DataFinder.tsx';
import { Step } from '../Step.tsx';
import { FileFacts } from './FileFacts.tsx';
import { SampleMenu } from './SampleMenu.tsx';
import { hasText, t } from '../text/index.ts';
import { ColumnsPanel } from './ColumnsPanel.tsx';
import { DataChanges } from './DataChanges.tsx';
import { DataFindings } from './DataFindings.tsx';
import { DataProblems } from './DataProblems.tsx';
import { PreferenceNotice, TrainChosen } from './PreferenceNotice.tsx';
import { Preview } from './Preview.tsx';
import { UnclearRows } from './RowsChoice.tsx';
import { UnusedFields } from './UnusedFields.tsx';

/** Step 2: the rows to learn from. */
export function DataStep() {
  const { status, reading, summary, tokenized, tokenizing, progress, error } = useStudio(
    (state) => state.dataset,
  );
  const hasModel = useStudio((state) => state.model.status === 'ready');
  const dismiss = useStudio((state) => state.dismissDatasetError);
  const disabled = useStudio(isTraining) || status === 'reading';
  const unclear = error?.code === 'data.rows_field_unclear';
  const onlyPreferences = error?.code === 'data.only_preferences';
  return (
    <Step id="data" aside={summary && <Choose disabled={disabled} />}>
      <ErrorNotice
        error={error}
        onDismiss={dismiss}
        action={onlyPreferences ? <TrainChosen /> : unclear && <UnclearRows disabled={disabled} />}
      />
      {status === 'reading' && (
        <ProgressLine label={t('data.reading', { name: reading })} progress={progress} />
      )}
      {status === 'none' && (
        <DropArea target="data" icon="file" title={t('data.drop')} hint={t('data.dropHint')}>
          <Choose disabled={disabled} first />
          <p className="drop__hint">{t('data.sampleHint')}</p>
        </DropArea>
      )}
      {summary && (
        <>
          <div className="card-title">
            <h3 className="mono">{summary.name}</h3>
            <p>{shapeName(summary)}</p>
            <ColumnsButton disabled={disabled} />
          </div>
          <FileFacts summary={summary} disabled={disabled} />
          <ColumnsPanel key={summary.name} />
          {tokenized ? <TokenFacts tokenized={tokenized} /> : <RowFacts summary={summary} />}
          <UnusedFields fields={(tokenized ?? summary).unused} />
          {tokenizing && <ProgressLine label={t('data.tokenizing')} progress={progress} />}
          {!hasModel && <Notice tone="info">{t('data.waitsForModel')}</Notice>}
          <DataChanges />
          {!onlyPreferences && <PreferenceNotice preference={summary.preference} />}
          <DataProblems
            problems={(tokenized ?? summary).problems}
            count={(tokenized ?? summary).problemCount}
          />
          <DataFindings />
          {tokenized && tokenized.rows > 0 && (
            <>
              <Preview positions={summary.positions} />
              <Lengths tokenized={tokenized} />
            </>
          )}
        </>
      )}
      <DataFinder disabled={disabled} />
    </Step>
  );
}

function Choose({ disabled, first = false }: { disabled: boolean; first?: boolean }) {
  return (
    <div className="row row--tight" data-drop="data">
      <FileButton
        label={t('data.chooseFile')}
        icon="file"
        accept=".jsonl,.json,.ndjson,.csv,.tsv,.parquet,.txt"
        kind={first ? 'primary' : 'plain'}
        disabled={disabled}
        onFiles={chooseDataFile}
      />
      <SampleMenu first={first} disabled={disabled} />
    </div>
  );
}

/** Opens the choice of columns, for rows that have some. */
function ColumnsButton({ disabled }: { disabled: boolean }) {
  const summary = useStudio((state) => state.dataset.summary);
  const open = useStudio((state) => state.dataset.choosingColumns);
  const chooseColumns = useStudio((state) => state.chooseColumns);
  // A single column of texts leaves nothing to choose.
  if (!summary || summary.format === null || summary.columns.length < 2) return null;
  return (
    <Button
      className="button button--small button--quiet"
      aria-expanded={open}
      isDisabled={disabled}
      onPress={() => chooseColumns(!open)}
    >
      {t('columns.choose')}
    </Button>
  );
}

/** What its rows are and what kind of file holds them. */
function shapeName({ format, kind }: DatasetSummary): string {
  const file = t(`data.kind.${kind}`);
  return format === null ? file : t('data.shape', { format: formatName(format), file });
}

function formatName(format: string): string {
  const key = `format.${format}`;
  return hasText(key) ? t(key) : format;
}

function RowFacts({ summary }: { summary: DatasetSummary }) {
  return (
    <Facts>
      <Fact name={t('data.rows')}>{formatCount(summary.rows)}</Fact>
      {summary.format !== null && <Fact name={t('data.format')}>{formatName(summary.format)}</Fact>}
    </Facts>
  );
}

function TokenFacts({ tokenized }: { tokenized: TokenizedSummary }) {
  const maxLength = useStudio(({ recipe, model }) => rowLimit(recipe.draft, model.summary?.maxPositions));
  const { rows, evalRows, tokens, trainedTokens, truncatedRows, longest } = tokenized;
  return (
    <Facts>
      <Fact name={t('data.rows')}>{formatCount(rows)}</Fact>
      {evalRows > 0 && <Fact name={t('data.evalRows')}>{formatCount(evalRows)}</Fact>}
      <Fact name={t('data.tokensTotal')}>{formatCompact(tokens)}</Fact>
      <Fact
        name={t('data.trained')}
        note={t('data.trainedShare', { share: formatShare(trainedTokens / Math.max(1, tokens)) })}
      >
        {formatCompact(trainedTokens)}
      </Fact>
      <Fact name={t('data.longest')}>{t('model.tokens', { n: longest })}</Fact>
      <Fact name={t('data.cut', { max: formatCount(maxLength) })}>
        {truncatedRows > 0 ? t('data.cutRows', { n: truncatedRows }) : t('data.cutNone')}
      </Fact>
    </Facts>
  );
}

function Lengths({ tokenized }: { tokenized: TokenizedSummary }) {
  const maxLength = useStudio(({ recipe, model }) => rowLimit(recipe.draft, model.summary?.maxPositions));
  const wanted = useStudio((state) => state.recipe.draft.max_length);
  const { truncatedRows, truncatedTokens } = tokenized;
  return (
    <div className="part">
      <h3>{t('data.histogram')}</h3>
      <Histogram bins={tokenized.histogram} rows={tokenized.rows} longest={tokenized.longest} />
      {truncatedRows > 0 && (
        <Notice tone="warning">
          {t(wanted > maxLength ? 'data.cutNoteContext' : 'data.cutNote', {
            n: truncatedRows,
            max: maxLength,
            tokens: truncatedTokens,
          })}
        </Notice>
      )}
    </div>
  );
}
