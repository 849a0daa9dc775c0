import { useId, useState, type ReactNode } from 'react';
import { Button, Form, Input, Label, TextField } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import type { FoundModel } from '../../../hosts/browser/hubProtocol.ts';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { formatCompact } from '../format.ts';
import { t } from '../text/index.ts';
import { Connection } from './Connection.tsx';
import { GgufFiles } from './GgufFiles.tsx';
import { HubError } from './HubError.tsx';
import { starters } from './starters.ts';

/** Finds a model on the Hub: by search, by name, or from a few suggestions. */
export function HubFinder({ disabled }: { disabled: boolean }) {
  const { host, choice, searching, lookingUp, found, choosing, error } = useStudio((state) => state.hub);
  const findModel = useStudio((state) => state.findModel);
  const dismiss = useStudio((state) => state.dismissHubError);
  const [text, setText] = useState('');
  const waiting = disabled || searching || lookingUp !== null;
  return (
    <section className="finder" aria-labelledby="finder-title">
      <h3 id="finder-title">{choice.endpoint === null ? t('hub.title') : t('hub.titleOther', { host })}</h3>
      <Form
        className="finder__form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!waiting) void findModel(text);
        }}
      >
        <TextField className="field" value={text} onChange={setText} isDisabled={disabled}>
          <Label className="hidden">{t('hub.find')}</Label>
          <Input
            type="search"
            placeholder={t('hub.findHint')}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        </TextField>
        <Button type="submit" className="button button--primary" isDisabled={waiting || text.trim() === ''}>
          {t('hub.findButton')}
        </Button>
      </Form>
      <HubError error={error} onDismiss={dismiss} />
      {searching && <ProgressLine label={t('hub.searching', { host })} progress={null} />}
      {lookingUp !== null && <ProgressLine label={t('hub.lookingUp', { repo: lookingUp })} progress={null} />}
      {choosing && <GgufFiles facts={choosing} disabled={waiting} />}
      {found ? <Found {...found} disabled={waiting} /> : <Starters disabled={waiting} />}
      <Connection />
    </section>
  );
}

function Found({ query, models, disabled }: { query: string; models: FoundModel[]; disabled: boolean }) {
  if (models.length === 0) return <p className="remark">{t('hub.foundNone', { query })}</p>;
  return (
    <ModelList title={t('hub.found', { n: models.length, query })}>
      {models.map(({ repo, downloads, likes, license, gated, parameters }) => (
        <ModelRow key={repo} repo={repo} disabled={disabled}>
          {[
            ...(parameters === null
              ? []
              : [t('hub.foundParameters', { parameters: formatCompact(parameters) })]),
            license ?? t('hub.licenceNone'),
            t('hub.foundFacts', { downloads: formatCompact(downloads), likes: formatCompact(likes) }),
            ...(gated ? [t('hub.gatedShort')] : []),
          ].join(' · ')}
        </ModelRow>
      ))}
    </ModelList>
  );
}

function Starters({ disabled }: { disabled: boolean }) {
  return (
    <ModelList title={t('hub.starters')}>
      {starters.map(({ repo, license, gated, note }) => (
        <ModelRow key={repo} repo={repo} disabled={disabled}>
          {[t(note), license, ...(gated ? [t('hub.gatedShort')] : [])].join(' · ')}
        </ModelRow>
      ))}
    </ModelList>
  );
}

function ModelList({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="finder__list">
      <h4 id="finder-list-title">{title}</h4>
      <ul aria-labelledby="finder-list-title">{children}</ul>
    </div>
  );
}

function ModelRow({ repo, disabled, children }: { repo: string; disabled: boolean; children: string }) {
  const pickModel = useStudio((state) => state.pickModel);
  const [org, name] = [repo.split('/').slice(0, -1).join('/'), repo.split('/').at(-1)];
  const noteId = useId();
  return (
    <li className="found">
      <Button
        className="found__name mono"
        aria-describedby={noteId}
        isDisabled={disabled}
        onPress={() => void pickModel(repo)}
      >
        {org && <span className="found__org">{org}/</span>}
        {name}
      </Button>
      <span className="found__note" id={noteId}>
        {children}
      </span>
    </li>
  );
}
