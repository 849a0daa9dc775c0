import { Fragment, useState } from 'react';
import type { ExportKind } from '../../../../hosts/browser/protocol.ts';
import { Button } from 'react-aria-components';
import { isWholeModel } from '../../../store/state.ts';
import { useStudio } from '../../../store/index.ts';
import { Icon } from '../../controls/Icon.tsx';
import { ErrorNotice, Notice } from '../../controls/Notice.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { downloadFile } from '../../files.ts';
import { formatBytes } from '../../format.ts';
import { PushPanel } from '../../hub/PushPanel.tsx';
import { blockReason } from '../../../store/steps.ts';
import { View } from '../../frame/View.tsx';
import { t } from '../../text/index.ts';
import { kindsToExport, needsGguf } from '../../../store/usage.ts';
import { AdapterChoice } from './AdapterChoice.tsx';
import { CheckpointPicker } from './CheckpointPicker.tsx';
import { Commands, GgufCommands } from './Commands.tsx';
import { GgufChoice } from './GgufChoice.tsx';
import { GgufProof } from './GgufProof.tsx';
import { InterruptedMerge } from './InterruptedMerge.tsx';
import { UseQuestion } from './UseQuestion.tsx';
import { MergedChoice } from './MergedChoice.tsx';
import { Proof } from './Proof.tsx';

/** The result as files: the adapter, the merged model, or a push to the Hub. */
export function ExportView() {
  const reason = useStudio((state) => blockReason(state, 'export'));
  return (
    <View id="export">
      <InterruptedMerge />
      {reason === null ? (
        <ExportPanel />
      ) : (
        <p className="panel remark">
          {reason === 'noAdapter'
            ? t('unit.sentences', { first: t('block.noAdapter'), second: t('export.none') })
            : t(`block.${reason}`)}
        </p>
      )}
    </View>
  );
}

function ExportPanel() {
  const exporting = useStudio((state) => state.exporting);
  const dismiss = useStudio((state) => state.dismissExportError);
  const cancelMerge = useStudio((state) => state.cancelMerge);
  const isModel = useStudio(isWholeModel);
  const use = useStudio((state) => state.exportChoices.use);
  // vLLM serves either: one at a time is shown.
  const [served, setServed] = useState<ExportKind>('adapter');
  const kinds = use === 'vllm' && !isModel ? [served] : kindsToExport(use, isModel);
  const { merged, gguf, folder } = exporting;
  return (
    <div className="panel export">
      <UseQuestion />
      <CheckpointPicker />
      {use === 'vllm' && !isModel && (
        <div className="use__kind">
          <SelectInput
            label={t('use.serve')}
            value={served}
            options={kindsToExport(use, isModel).map((value) => ({ value, label: t(`export.${value}`) }))}
            onChange={setServed}
          />
        </div>
      )}
      {use === 'hub' ? (
        <HubUse isModel={isModel} />
      ) : needsGguf(use) ? (
        <div className="export__choices" data-use={use}>
          <GgufChoice use={use} />
          <GgufCommands use={use} />
        </div>
      ) : (
        <div className="export__choices" data-use={use ?? 'none'}>
          {kinds.map((kind) => (
            <Fragment key={kind}>
              {kind === 'adapter' ? <AdapterChoice /> : <MergedChoice />}
              {use && <Commands use={use} kind={kind} />}
            </Fragment>
          ))}
          {use === null && <GgufChoice use={null} />}
        </div>
      )}
      <ErrorNotice error={exporting.adapterError} onDismiss={dismiss} />
      <ErrorNotice error={exporting.mergeError} onDismiss={dismiss} />
      {exporting.adapterStatus === 'working' && <ProgressLine label={t('export.packing')} progress={null} />}
      {exporting.mergeStatus === 'working' && (
        <div className="merging">
          <ProgressLine
            label={t(exporting.mergeProgress?.phase === 'proving' ? 'phase.proving' : 'export.merging')}
            progress={exporting.mergeProgress}
          />
          <Button className="button button--small" onPress={() => void cancelMerge()}>
            {t('export.cancel')}
          </Button>
        </div>
      )}
      {merged && <Proof proof={merged.proof} losses={merged.losses} />}
      {gguf?.proof && <GgufProof proof={gguf.proof} />}
      {gguf && folder !== null && (
        <Notice tone="good">
          {t('export.savedTo', { folder })}{' '}
          {t('export.files', {
            n: gguf.files.length,
            size: formatBytes(gguf.files.reduce((sum, { size }) => sum + size, 0)),
          })}
        </Notice>
      )}
      {merged && folder !== null && (
        <Notice tone="good">
          {t(merged.alreadyFinished ? 'export.alreadyThere' : 'export.savedTo', { folder })}{' '}
          {t('export.files', {
            n: merged.files.length,
            size: formatBytes(merged.files.reduce((sum, { size }) => sum + size, 0)),
          })}
        </Notice>
      )}
      <Downloaded file={exporting.adapterFile} />
      {merged && <Downloaded file={merged.zip} />}
      {gguf && <Downloaded file={gguf.file} />}
      {use === null && <PushPanel />}
    </div>
  );
}

/** The push, and how what was pushed is used. */
function HubUse({ isModel }: { isModel: boolean }) {
  const pushing = useStudio((state) => state.pushing);
  const kind = isModel ? 'merged' : pushing.what;
  const repo = pushing.outcome ? pushing.repo : null;
  return (
    <div className="export__hub">
      <PushPanel open />
      <Commands use="hub" kind={kind} repo={repo ?? t('use.yourRepo')} />
    </div>
  );
}

/** Offers a file again, in case the browser blocked its download. */
function Downloaded({ file }: { file: File | null }) {
  if (!file) return null;
  return (
    <p className="remark saved">
      <Button className="button button--small" onPress={() => downloadFile(file, file.name)}>
        <Icon name="download" />
        {t('export.saveAgain', { name: file.name })}
      </Button>
      {formatBytes(file.size)}
    </p>
  );
}
