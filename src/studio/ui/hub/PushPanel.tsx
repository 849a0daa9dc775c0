import { useState } from 'react';
import { Button, Form, Input, Label, Text, TextField } from 'react-aria-components';
import { busyWith, isWholeModel } from '../../store/state.ts';
import { useStudio } from '../../store/index.ts';
import type { PushState, PushWhat } from '../../store/state/pushing.ts';
import type { Progress } from '../../../hosts/browser/protocol.ts';
import { Fold } from '../controls/Fold.tsx';
import { Notice } from '../controls/Notice.tsx';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { SelectInput } from '../controls/SelectInput.tsx';
import { SwitchInput } from '../controls/SwitchInput.tsx';
import { formatList } from '../format.ts';
import { t } from '../text/index.ts';
import { Connection } from './Connection.tsx';
import { HubError } from './HubError.tsx';
import { PageLink } from './PageLink.tsx';
import { PushedFiles } from './PushedFiles.tsx';

const kinds: readonly PushWhat[] = ['adapter', 'merged'];

/** Pushes the adapter or a merged model to one of the user's repos. */
export function PushPanel({ open = false }: { open?: boolean }) {
  const { host, hasToken, account } = useStudio((state) => state.hub);
  const pushing = useStudio((state) => state.pushing);
  const push = useStudio((state) => state.push);
  const pushAnyway = useStudio((state) => state.pushAnyway);
  const cancel = useStudio((state) => state.cancelPush);
  const dismiss = useStudio((state) => state.dismissPush);
  const base = useStudio((state) => state.model.summary?.name ?? '');
  const busy = useStudio((state) => busyWith(state) !== null);
  const isModel = useStudio(isWholeModel);
  const [chosen, setWhat] = useState<PushWhat>('adapter');
  const what = isModel ? 'merged' : chosen;
  const [hidden, setHidden] = useState(true);
  const [repo, setRepo] = useState('');
  const isRunning = pushing.status === 'merging' || pushing.status === 'sending';
  const ready = !busy && hasToken && /^[^/\s]+\/[^/\s]+$/.test(repo.trim());
  return (
    <Fold title={t('push.title')} note={t('push.note', { host })} open={open}>
      <div className="finder">
        {!hasToken && <p className="remark">{t('push.needsToken')}</p>}
        <Form
          className="push__form"
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) void push(what, repo, hidden);
          }}
        >
          <SelectInput
            label={t('push.what')}
            value={what}
            options={kinds
              .filter((value) => !isModel || value === 'merged')
              .map((value) => ({ value, label: t(`push.what.${value}`) }))}
            onChange={setWhat}
            disabled={busy}
          />
          <TextField className="field" value={repo} onChange={setRepo} isDisabled={busy}>
            <Label>{t('push.repo')}</Label>
            <Input
              placeholder={`${account ?? t('push.you')}/${base}-${what}`}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
            <Text slot="description" className="field__help">
              {t('push.repoHelp')}
            </Text>
          </TextField>
          <SwitchInput
            label={t('push.private')}
            selected={hidden}
            onChange={setHidden}
            help={t('push.privateHelp')}
            disabled={busy}
          />
          <PushedFiles what={what} />
          <Button type="submit" className="button" isDisabled={!ready}>
            {t('push.button')}
          </Button>
        </Form>
        <HubError
          error={pushing.error}
          onDismiss={dismiss}
          action={
            pushing.error?.code === 'hub.push_local_path' && (
              <Button className="button button--small" isDisabled={busy} onPress={() => void pushAnyway()}>
                {t('push.anyway')}
              </Button>
            )
          }
        />
        {isRunning && (
          <div className="merging">
            <ProgressLine label={t(`push.${phaseOf(pushing)}`)} progress={progressOf(pushing)} />
            <Button className="button button--small" onPress={() => void cancel()}>
              {t('hub.cancel')}
            </Button>
          </div>
        )}
        {pushing.outcome && (
          <Notice tone="good">
            {t('push.done', { commit: pushing.outcome.commit.slice(0, 8) })}{' '}
            <PageLink page={pushing.outcome.url} />
            {pushing.outcome.removed.length > 0 && (
              <p>{t('push.removed', { files: formatList(pushing.outcome.removed) })}</p>
            )}
          </Notice>
        )}
        <Connection />
      </div>
    </Fold>
  );
}

/** The current activity, if there is a text for it. */
function phaseOf({ status, what, progress }: PushState) {
  if (status === 'merging') return what === 'merged' ? 'merging' : 'packing';
  const phase = progress?.phase;
  return phase === 'hashing' || phase === 'uploading' || phase === 'committing' ? phase : 'preparing';
}

function progressOf({ progress }: PushState): Pick<Progress, 'done' | 'total' | 'unit'> | null {
  if (!progress || progress.phase === 'preparing' || progress.phase === 'committing') return null;
  return { unit: 'bytes', done: progress.done, total: progress.total };
}
