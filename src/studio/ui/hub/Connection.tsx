import { useRef, useState } from 'react';
import { Button, Form, Input, Label, Text, TextField } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { Fold } from '../controls/Fold.tsx';
import { ErrorNotice } from '../controls/Notice.tsx';
import { SwitchInput } from '../controls/SwitchInput.tsx';
import { t } from '../text/index.ts';
import { canSignIn, signIn } from './signIn.ts';

/** Connection settings of the Hub: its address, and the user's token. */
export function Connection() {
  const { choice, host, hasToken, settingsError } = useStudio((state) => state.hub);
  const dismiss = useStudio((state) => state.dismissHubError);
  const withheld = hasToken && choice.endpoint !== null && !choice.tokenForEndpoint;
  const note = !hasToken ? 'connection.note' : withheld ? 'connection.noteWithheld' : 'connection.noteToken';
  return (
    <Fold title={t('connection.title')} note={t(note, { host })}>
      <div className="connection">
        <ErrorNotice error={settingsError} onDismiss={dismiss} />
        <Token />
        <Endpoint />
      </div>
    </Fold>
  );
}

function Token() {
  const { hasToken, account } = useStudio((state) => state.hub);
  const setToken = useStudio((state) => state.setToken);
  // The token is read from the field once and passed on: it is never part of the page's state.
  const field = useRef<HTMLInputElement>(null);
  if (hasToken) {
    return (
      <div className="row">
        <p>{account === null ? t('connection.hasToken') : t('connection.account', { account })}</p>
        <Button className="button button--small" onPress={() => void setToken(null)}>
          {t('connection.forgetToken')}
        </Button>
      </div>
    );
  }
  return (
    <>
      {canSignIn() && (
        <div>
          <Button className="button" onPress={() => void signIn()}>
            {t('connection.signIn')}
          </Button>
        </div>
      )}
      <Form
        className="finder__form"
        onSubmit={(event) => {
          event.preventDefault();
          const given = field.current?.value.trim();
          if (!given) return;
          field.current!.value = '';
          void setToken(given);
        }}
      >
        <TextField className="field" type="password" autoComplete="off">
          <Label>{t('connection.token')}</Label>
          <Input ref={field} placeholder="hf_…" spellCheck={false} />
          <Text slot="description" className="field__help">
            {t('connection.tokenHelp')}
          </Text>
        </TextField>
        <Button type="submit" className="button">
          {t('connection.useToken')}
        </Button>
      </Form>
    </>
  );
}

function Endpoint() {
  const { choice, host, hasToken } = useStudio((state) => state.hub);
  const configureHub = useStudio((state) => state.configureHub);
  const [text, setText] = useState(choice.endpoint ?? '');
  const apply = async (endpoint: string | null) => {
    if (await configureHub({ endpoint })) setText(endpoint ?? '');
  };
  return (
    <>
      <Form
        className="finder__form"
        onSubmit={(event) => {
          event.preventDefault();
          void apply(text.trim() || null);
        }}
      >
        <TextField className="field" type="url" value={text} onChange={setText} autoComplete="off">
          <Label>{t('connection.endpoint')}</Label>
          <Input placeholder="https://huggingface.co" spellCheck={false} />
          <Text slot="description" className="field__help">
            {t('connection.endpointHelp')}
          </Text>
        </TextField>
        <Button type="submit" className="button">
          {t('connection.apply')}
        </Button>
      </Form>
      {choice.endpoint !== null && (
        <div className="connection__other">
          {hasToken && (
            <SwitchInput
              label={t('connection.allow', { host })}
              help={t('connection.allowHelp')}
              selected={choice.tokenForEndpoint}
              onChange={(tokenForEndpoint) => void configureHub({ tokenForEndpoint })}
            />
          )}
          <Button className="button button--small button--quiet" onPress={() => void apply(null)}>
            {t('connection.official')}
          </Button>
        </div>
      )}
    </>
  );
}
