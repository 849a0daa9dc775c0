import { useState } from 'react';
import { Button, Form, Input, Label, Text, TextField } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import type { HubDataFacts } from '../../../hosts/browser/hubProtocol.ts';
import { Fold } from '../controls/Fold.tsx';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { formatBytes } from '../format.ts';
import { t } from '../text/index.ts';
import { Connection } from './Connection.tsx';
import { HubError } from './HubError.tsx';
import { PageLink } from './PageLink.tsx';
import { paceOf } from './pace.ts';

/** Maximum number of listed files; datasets with one file per row are not meant for picking one. */
const MAX_LISTED = 100;

/** Selects a file of a dataset on the Hub. */
export function DataFinder({ disabled }: { disabled: boolean }) {
  const host = useStudio((state) => state.hub.host);
  const { lookingUp, found, fetching, error } = useStudio((state) => state.dataHub);
  const findData = useStudio((state) => state.findData);
  const cancel = useStudio((state) => state.cancelData);
  const dismiss = useStudio((state) => state.dismissDataHubError);
  const [text, setText] = useState('');
  const waiting = disabled || lookingUp !== null || fetching !== null;
  return (
    <Fold title={t('dataHub.title')} note={t('dataHub.note')}>
      <div className="finder">
        <Form
          className="finder__form"
          onSubmit={(event) => {
            event.preventDefault();
            if (!waiting) void findData(text);
          }}
        >
          <TextField className="field" value={text} onChange={setText} isDisabled={disabled}>
            <Label>{t('dataHub.find')}</Label>
            <Input placeholder="org/name" autoComplete="off" autoCapitalize="none" spellCheck={false} />
            <Text slot="description" className="field__help">
              {t('dataHub.findHelp', { host })}
            </Text>
          </TextField>
          <Button type="submit" className="button" isDisabled={waiting || text.trim() === ''}>
            {t('dataHub.findButton')}
          </Button>
        </Form>
        <HubError error={error} onDismiss={dismiss} />
        {lookingUp !== null && (
          <ProgressLine label={t('hub.lookingUp', { repo: lookingUp })} progress={null} />
        )}
        {fetching && (
          <div className="merging">
            <ProgressLine
              label={t('hub.downloading', { repo: fetching.path })}
              progress={
                fetching.progress && {
                  done: fetching.progress.bytesDone,
                  total: fetching.progress.bytesTotal,
                  unit: 'bytes',
                }
              }
              note={fetching.progress && paceOf(fetching.progress)}
            />
            <Button className="button button--small" onPress={() => void cancel()}>
              {t('hub.cancel')}
            </Button>
          </div>
        )}
        {found && <DataFiles found={found} disabled={waiting} />}
        <Connection />
      </div>
    </Fold>
  );
}

function DataFiles({ found, disabled }: { found: HubDataFacts; disabled: boolean }) {
  const fetchData = useStudio((state) => state.fetchData);
  const { repo, license, commit, page, dataFiles } = found;
  const listed = dataFiles.slice(0, MAX_LISTED);
  return (
    <div className="finder__list">
      <h4>
        <PageLink page={page}>{repo.replace(/^datasets\//, '')}</PageLink>
        {` · ${license ?? t('hub.licenceNone')} · ${commit.slice(0, 8)}`}
      </h4>
      {listed.length === 0 && <p className="remark">{t('dataHub.noFiles')}</p>}
      <ul>
        {listed.map(({ path, size }) => (
          <li key={path} className="stored__item">
            <span className="stored__text">
              <span className="mono">{path}</span>
              <span className="found__note">{formatBytes(size)}</span>
            </span>
            <Button
              className="button button--small"
              aria-label={t('storage.useName', { repo: path })}
              isDisabled={disabled}
              onPress={() => void fetchData(path)}
            >
              {t('storage.use')}
            </Button>
          </li>
        ))}
      </ul>
      {dataFiles.length > listed.length && (
        <p className="remark">{t('data.problemsMore', { n: dataFiles.length - listed.length })}</p>
      )}
    </div>
  );
}
