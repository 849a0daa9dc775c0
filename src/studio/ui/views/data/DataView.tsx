import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { rowLimit } from '../../../store/plan.ts';
import { isTraining } from '../../../store/state.ts';
import type { DatasetSummary, TokenizedSummary } from '../../../../hosts/browser/dataProtocol.ts';
import { openFiles } from '../../chooseFiles.ts';
import { Histogram } from '../../charts/Histogram.tsx';
import { DropArea } from '../../controls/DropArea.tsx';
import { Fact, Facts } from '../../controls/Facts.tsx';
import { FileButton } from '../../controls/FileButton.tsx';
import { ErrorNotice, Notice } from '../../controls/Notice.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { formatCompact, formatCount, formatShare } from '../../format.ts';
import { DataFinder } from '../../hub/DataFinder.tsx';
import { View } from '../../frame/View.tsx';
import { UnclearEncoding } from './EncodingChoice.tsx';
import { FileFacts } from './FileFacts.tsx';
import { SampleMenu } from './SampleMenu.tsx';
import { hasText, t } from '../../text/index.ts';
import { ColumnsPanel } from './ColumnsPanel.tsx';
import { DataChanges } from './DataChanges.tsx';
import { DataFindings } from './DataFindings.tsx';
import { DataProblems } from './DataProblems.tsx';
import { EvaluationRows } from './EvaluationRows.tsx';
import { PreferenceNotice, PreferenceQuestion } from './PreferenceNotice.tsx';
import { Preview } from './Preview.tsx';
import { UnclearRows } from './RowsChoice.tsx';
import { UnusedFields } from './UnusedFields.tsx';

/** The training rows: what the file is and what is wrong with it, beside a row as the model sees it. */
export function DataView() {
  const { status, reading, summary, tokenized, tokenizing, progress, error } = useStudio(
    (state) => state.dataset,
  );
  const { added } = useStudio((state) => state.dataset.changes);
  const hasModel = useStudio((state) => state.model.status === 'ready');
  const dismiss = useStudio((state) => state.dismissDatasetError);
  const training = useStudio(isTraining);
  const disabled = training || status === 'reading';
  const unclearEncoding = error?.code === 'data.encoding_unclear';
  const unclear = error?.code === 'data.rows_field_unclear';
  const hasPreview = tokenized !== null && tokenized.rows > 0;
  const onlyPreferences = error?.code === 'data.only_preferences' ? (summary?.preference ?? null) : null;
  return (
    <View id="data" aside={summary && <Choose disabled={disabled} />}>
      {onlyPreferences ? (
        <PreferenceQuestion preference={onlyPreferences} />
      ) : (
        <ErrorNotice
          error={error}
          onDismiss={dismiss}
          action={
            unclear ? (
              <UnclearRows disabled={disabled} />
            ) : (
              unclearEncoding && <UnclearEncoding disabled={disabled} />
            )
          }
        />
      )}
      {status === 'reading' && (
        <ProgressLine label={t('data.reading', { name: reading })} progress={progress} />
      )}
      {training && !summary && <RunData />}
      {status === 'none' && (
        <DropArea target="data" icon="file" title={t('data.drop')} hint={t('data.dropHint')}>
          <Choose disabled={disabled} first />
          <p className="drop__hint">{t('data.sampleHint')}</p>
        </DropArea>
      )}
      {summary && (
        <div className="columns">
          <div className="column panel">
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
            <LeftBehind />
            <DataChanges />
            {!onlyPreferences && <PreferenceNotice preference={summary.preference} />}
            <DataProblems
              problems={(tokenized ?? summary).problems}
              count={(tokenized ?? summary).problemCount}
            />
            <DataFindings />
            {!hasPreview && <EvaluationRows disabled={disabled} />}
          </div>
          {hasPreview && (
            <div className="column panel">
              <Preview positions={summary.positions + added} />
              <EvaluationRows disabled={disabled} />
              <Lengths tokenized={tokenized} />
            </div>
          )}
        </div>
      )}
      <DataFinder disabled={disabled} />
    </View>
  );
}

/** Changes of the file before this one: nothing of them is lost. */
function LeftBehind() {
  const left = useStudio((state) => state.dataset.leftBehind);
  return left ? <Notice tone="info">{t('data.leftBehind', left)}</Notice> : null;
}

/** The data of a resumed run, which has its own copy. */
function RunData() {
  const data = useStudio(({ run, runs }) => runs.entries.find(({ id }) => id === run.id)?.head?.data);
  return data ? <Notice tone="info">{t('data.ofRun', { file: data.file, n: data.rows })}</Notice> : null;
}

function Choose({ disabled, first = false }: { disabled: boolean; first?: boolean }) {
  return (
    <div className="row row--tight" data-drop="data">
      <FileButton
        label={t('data.chooseFile')}
        icon="file"
        accept=".jsonl,.json,.ndjson,.csv,.tsv,.parquet,.txt,.md,.gz,.zst,.zip"
        kind={first ? 'primary' : 'plain'}
        disabled={disabled}
        multiple
        onFiles={openFiles}
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
  // A single text column leaves nothing to choose.
  if (!summary || summary.format === null || summary.columns.length < 2) return null;
  // Columns of a few odd rows are no way to read the others.
  if (summary.columns[0]!.rows * 10 < summary.rows) return null;
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

/** The format of the rows and the type of the file. */
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
