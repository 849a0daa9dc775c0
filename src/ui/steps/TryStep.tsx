import { Button, Label, TextArea, TextField } from 'react-aria-components';
import { busyWith, isWholeModel } from '../../store/state.ts';
import { useStudio } from '../../store/index.ts';
import { blockReason, isRemote } from '../../store/steps.ts';
import { chooseAdapterFiles } from '../chooseFiles.ts';
import { FileButton } from '../controls/FileButton.tsx';
import { Fold } from '../controls/Fold.tsx';
import { Icon } from '../controls/Icon.tsx';
import { ErrorNotice, Notice, WarningNotice } from '../controls/Notice.tsx';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { CheckpointPicker } from '../runs/CheckpointPicker.tsx';
import { Step } from '../Step.tsx';
import { t } from '../text/index.ts';
import { AnswerPanel } from './AnswerPanel.tsx';
import { DrawSettings, StrengthSlider } from './DrawSettings.tsx';
import { ExportPanel } from './ExportPanel.tsx';

/** Step 5: ask both, then take the result away. */
export function TryStep() {
  const reason = useStudio((state) => blockReason(state, 'try'));
  const adapter = useStudio((state) => state.adapter);
  const hasTokenizer = useStudio((state) => state.model.tokenizer !== 'none');
  const remote = useStudio(isRemote);
  const blocked = reason !== null;
  return (
    <Step id="try">
      {blocked ? (
        <p className="remark">{t(`block.${reason}`)}</p>
      ) : (
        <>
          {remote ? (
            <Notice tone="info">
              <p className="notice__what">{t('hub.tryRemote')}</p>
              <p>{t('hub.mergeRemote')}</p>
            </Notice>
          ) : hasTokenizer ? (
            <Compare />
          ) : (
            <Notice tone="info">{t('block.noTokenizer')}</Notice>
          )}
          {adapter && <ExportPanel />}
          <OpenAdapter />
        </>
      )}
    </Step>
  );
}

function Compare() {
  const { request, status, loading, base, tuned } = useStudio((state) => state.tryout);
  const adapter = useStudio((state) => state.adapter);
  const setRequest = useStudio((state) => state.setRequest);
  const compare = useStudio((state) => state.compare);
  const stopAnswering = useStudio((state) => state.stopAnswering);
  const isModel = useStudio(isWholeModel);
  const busy = useStudio(busyWith);
  // A text may start from nothing: the model then begins one of its own.
  const canAsk = busy === null && (request.continueText || request.prompt.trim() !== '');
  return (
    <>
      <TextField
        className="field prompt"
        value={request.prompt}
        onChange={(prompt) => setRequest({ prompt })}
        isDisabled={status !== 'idle'}
      >
        <Label>{t('try.prompt')}</Label>
        <TextArea
          rows={2}
          placeholder={t('try.promptHint')}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || !canAsk) return;
            event.preventDefault();
            void compare();
          }}
        />
      </TextField>
      <div className="row ask">
        {status === 'idle' ? (
          <Button className="button button--primary" isDisabled={!canAsk} onPress={() => void compare()}>
            {t(adapter ? 'try.compare' : 'try.askBase')}
          </Button>
        ) : (
          <Button className="button" onPress={() => void stopAnswering()}>
            <Icon name="stop" />
            {t('try.stop')}
          </Button>
        )}
        {adapter && !isModel && <StrengthSlider />}
        <CheckpointPicker />
      </div>
      {loading && <ProgressLine label={t('train.loading')} progress={loading} />}
      <div className="answers" data-single={!adapter}>
        <AnswerPanel side="base" answer={base} active={status === 'base'} />
        {adapter && (
          <AnswerPanel side="tuned" answer={tuned} active={status === 'tuned'} waiting={status === 'base'} />
        )}
      </div>
      <Fold title={t('try.settings')}>
        <DrawSettings />
      </Fold>
    </>
  );
}

function OpenAdapter() {
  const adapter = useStudio((state) => state.adapter);
  const opening = useStudio((state) => state.openingAdapter);
  const error = useStudio((state) => state.adapterError);
  const dismiss = useStudio((state) => state.dismissAdapterError);
  const busy = useStudio((state) => busyWith(state) !== null);
  return (
    <div className="open-adapter">
      <ErrorNotice error={error} onDismiss={dismiss} />
      {opening && <ProgressLine label={t('try.openingAdapter')} progress={null} />}
      {adapter?.origin === 'opened' && (
        <Notice tone="good">
          {t('try.openedAdapter', { name: adapter.name, rank: adapter.rank, modules: adapter.modules })}
        </Notice>
      )}
      {adapter?.origin === 'opened' &&
        adapter.warnings.map((note) => <WarningNotice key={note.code} note={note} />)}
      <div className="row">
        <p className="remark">
          {adapter ? t('try.openAdapterHint') : `${t('try.noAdapter')} ${t('try.openAdapterHint')}`}
        </p>
        <FileButton
          label={t('try.openAdapter')}
          icon="folder"
          folder
          kind="quiet"
          disabled={busy}
          onFiles={chooseAdapterFiles}
        />
      </div>
    </div>
  );
}
