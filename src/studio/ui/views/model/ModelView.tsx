import { useState } from 'react';
import { Button, ToggleButton } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import type { ModelState } from '../../../store/state/model.ts';
import { busyWith } from '../../../store/state.ts';
import { blockReason } from '../../../store/steps.ts';
import type { ModelSource, ModelSummary } from '../../../../hosts/browser/protocol.ts';
import { DropArea } from '../../controls/DropArea.tsx';
import { Fact, Facts } from '../../controls/Facts.tsx';
import { FileButton } from '../../controls/FileButton.tsx';
import { Fold } from '../../controls/Fold.tsx';
import { ErrorNotice, Notice } from '../../controls/Notice.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { openFiles } from '../../chooseFiles.ts';
import { formatBytes, formatCompact, formatCount } from '../../format.ts';
import { DownloadLine } from '../../hub/DownloadLine.tsx';
import { HubCard } from '../../hub/HubCard.tsx';
import { HubError } from '../../hub/HubError.tsx';
import { HubFinder } from '../../hub/HubFinder.tsx';
import { StorageFold, StoredModels } from '../../hub/Stored.tsx';
import { View } from '../../frame/View.tsx';
import { t } from '../../text/index.ts';
import { GpuMemoryField } from '../../frame/GpuMemoryField.tsx';
import { GgufNotice } from './GgufNotice.tsx';
import { FitBadge } from './FitBadge.tsx';

/** A model from the Hub, from the page, from this device's downloads, or from a folder. */
export function ModelView() {
  const model = useStudio((state) => state.model);
  const dismiss = useStudio((state) => state.dismissModelError);
  const reopen = useStudio((state) => state.reopenModel);
  const disabled = useStudio((state) => busyWith(state) !== null || blockReason(state, 'model') !== null);
  // The choice closes once a model has been chosen.
  const [changing, setChanging] = useState<ModelSource | null>(null);
  const open = model.status === 'ready' ? model.summary : null;
  const choosing = changing !== null && changing === model.source;
  const reopenButton = model.status === 'none' && model.source && model.error && (
    <Button className="button button--small" onPress={() => void reopen()} isDisabled={disabled}>
      {t('model.reopen', { name: model.source.name })}
    </Button>
  );
  return (
    <View
      id="model"
      aside={
        open && (
          <ToggleButton
            className="button button--small"
            isSelected={choosing}
            isDisabled={disabled}
            onChange={(selected) => setChanging(selected ? model.source : null)}
          >
            {t('model.another')}
          </ToggleButton>
        )
      }
    >
      <HubError error={model.error} onDismiss={dismiss} action={reopenButton} />
      {model.status === 'opening' && (
        <ProgressLine label={t('model.opening', { name: model.opening })} progress={null} />
      )}
      {(model.status === 'none' || (open && choosing)) && <Picker disabled={disabled} />}
      <DownloadLine />
      {open && <Summary model={model} summary={open} />}
      <StorageFold />
    </View>
  );
}

/** The sources of a model, side by side. */
function Picker({ disabled }: { disabled: boolean }) {
  return (
    <div className="picker">
      <HubFinder disabled={disabled} />
      <div className="picker__own">
        <Starter disabled={disabled} />
        <StoredModels disabled={disabled} />
        <section className="picker__folder" aria-labelledby="folder-title">
          <h3 id="folder-title">{t('model.ownFolder')}</h3>
          <DropArea target="model" icon="folder" title={t('model.drop')} hint={t('model.dropHint')}>
            <div className="row row--tight">
              <FileButton
                label={t('model.chooseFolder')}
                icon="folder"
                folder
                disabled={disabled}
                onFiles={openFiles}
              />
              <FileButton
                label={t('model.chooseFiles')}
                icon="file"
                multiple
                kind="quiet"
                disabled={disabled}
                onFiles={openFiles}
              />
            </div>
          </DropArea>
        </section>
      </div>
    </div>
  );
}

/** The model that ships with the page. */
function Starter({ disabled }: { disabled: boolean }) {
  const openStarter = useStudio((state) => state.openStarter);
  return (
    <section className="starter" aria-labelledby="starter-title">
      <span className="starter__text">
        <strong id="starter-title">{t('model.starter')}</strong>
        <span className="found__note">{t('model.starterHelp')}</span>
      </span>
      <Button className="button" isDisabled={disabled} onPress={() => void openStarter()}>
        {t('model.useStarter')}
      </Button>
    </section>
  );
}

function Summary({ model, summary }: { model: ModelState; summary: ModelSummary }) {
  const dismiss = useStudio((state) => state.dismissModelError);
  return (
    <div className="columns">
      <div className="column panel">
        <div className="card-title">
          <h3 className="mono">{model.hub?.repo ?? summary.name}</h3>
          <p>
            {t('model.inShort', {
              parameters: formatCompact(summary.parameters),
              size: formatBytes(summary.bytes),
            })}
          </p>
        </div>
        {model.hub && <HubCard facts={model.hub} />}
        <Facts>
          <Fact name={t('model.family')}>{summary.family}</Fact>
          <Fact name={t('model.parameters')}>{formatCount(summary.parameters)}</Fact>
          <Fact name={t('model.dtype')}>{summary.dtypes.join(', ')}</Fact>
          <Fact name={t('model.size')}>{formatBytes(summary.bytes)}</Fact>
          <Fact name={t('model.layers')}>{formatCount(summary.layers)}</Fact>
          <Fact name={t('model.hidden')}>{formatCount(summary.hiddenSize)}</Fact>
          <Fact name={t('model.vocabulary')} note={summary.tied ? t('model.tied') : undefined}>
            {formatCount(summary.vocabSize)}
          </Fact>
          <Fact name={t('model.context')}>{t('model.tokens', { n: summary.maxPositions })}</Fact>
        </Facts>
      </div>
      <div className="column panel">
        <FitBadge />
        <GpuMemoryField explained />
        {summary.quantized && (
          <Notice tone="info">
            <p className="notice__what">
              {t('model.quantized', { method: t(`model.quantized.${summary.quantized}`) })}
            </p>
            <p>{t('model.quantizedHelp')}</p>
          </Notice>
        )}
        {summary.gguf && <GgufNotice gguf={summary.gguf} />}
        <ErrorNotice error={model.tokenizerError} onDismiss={dismiss} />
        <Notice
          tone={model.tokenizer === 'model' ? 'good' : model.tokenizer === 'fallback' ? 'info' : 'warning'}
        >
          {t(`model.tokenizer.${model.tokenizer}`)}
        </Notice>
        <Fold title={t('model.files', { n: summary.files.length })} note={formatBytes(totalSize(summary))}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{t('model.file')}</th>
                <th scope="col" className="table__number">
                  {t('model.fileSize')}
                </th>
              </tr>
            </thead>
            <tbody>
              {summary.files.map(({ name, size }) => (
                <tr key={name}>
                  <td className="mono">{name}</td>
                  <td className="table__number">{formatBytes(size)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Fold>
      </div>
    </div>
  );
}

function totalSize({ files }: ModelSummary): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
