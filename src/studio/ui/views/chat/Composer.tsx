import { useEffect, type KeyboardEvent } from 'react';
import { Button, Label, TextArea, TextField } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { askedSides } from '../../../store/sides.ts';
import { busyWith } from '../../../store/state.ts';
import { Icon } from '../../controls/Icon.tsx';
import { formatCount } from '../../format.ts';
import { t } from '../../text/index.ts';

/** Time from a keystroke to counting tokens, in ms. */
const MEASURE_PAUSE = 300;

/** The next message: what is typed, how it fits into the context, and Send. */
export function Composer() {
  const { request, status, turns } = useStudio((state) => state.tryout);
  const setRequest = useStudio((state) => state.setRequest);
  const send = useStudio((state) => state.send);
  const stopAnswering = useStudio((state) => state.stopAnswering);
  const clearChat = useStudio((state) => state.clearChat);
  const busy = useStudio(busyWith);
  const { prompt, continueText } = request;
  // A text may start from nothing: the model then starts a new one.
  const canSend = busy === null && (continueText || prompt.trim() !== '');
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter also confirms what an input method has composed.
    if (event.key !== 'Enter' || event.nativeEvent.isComposing || event.shiftKey) return;
    const withModifier = event.ctrlKey || event.metaKey;
    if (continueText && !withModifier) return;
    event.preventDefault();
    if (canSend) void send();
  };
  return (
    <div className="composer">
      <TextField
        className="field prompt"
        value={prompt}
        onChange={(value) => setRequest({ prompt: value })}
        // Not disabled: it would lose the focus, and with it the place of whoever asks by keyboard.
        isReadOnly={status !== 'idle'}
      >
        <Label>{t('try.prompt')}</Label>
        <TextArea rows={2} placeholder={t('try.promptHint')} onKeyDown={onKeyDown} />
      </TextField>
      <div className="row composer__foot">
        {status === 'idle' ? (
          <Button className="button button--primary" isDisabled={!canSend} onPress={() => void send()}>
            {t('try.send')}
          </Button>
        ) : (
          <Button className="button" onPress={() => void stopAnswering()}>
            <Icon name="stop" />
            {t('try.stop')}
          </Button>
        )}
        <Fit />
        {turns.length > 0 && (
          <Button className="button button--quiet" isDisabled={busy !== null} onPress={clearChat}>
            {t('chat.clear')}
          </Button>
        )}
      </div>
    </div>
  );
}

/** How much of the context the conversation takes, with what is typed: before anything is generated. */
function Fit() {
  const fit = useStudio((state) => state.tryout.fit);
  const { prompt, system, continueText, maxNewTokens } = useStudio((state) => state.tryout.request);
  const turns = useStudio((state) => state.tryout.turns);
  const sides = useStudio((state) => askedSides(state).join());
  const model = useStudio((state) => state.model.source);
  const measureContext = useStudio((state) => state.measureContext);
  useEffect(() => {
    const pause = setTimeout(() => void measureContext(), MEASURE_PAUSE);
    return () => clearTimeout(pause);
  }, [prompt, system, continueText, turns, sides, model, measureContext]);
  if (!fit) return <p className="composer__fit" role="status" />;
  const room = Math.max(0, fit.positions - fit.tokens);
  const counts = { tokens: formatCount(fit.tokens), positions: formatCount(fit.positions) };
  return (
    <p className="composer__fit" role="status" data-tight={room < maxNewTokens}>
      {room === 0
        ? t('chat.fitNone', counts)
        : room < maxNewTokens
          ? t('chat.fitShort', { ...counts, room, max: maxNewTokens })
          : t('chat.fit', counts)}
    </p>
  );
}
