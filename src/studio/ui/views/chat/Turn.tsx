import { useState } from 'react';
import { Button, Label, TextArea, TextField } from 'react-aria-components';
import type { ChatTurn } from '../../../../hosts/browser/projectsProtocol.ts';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { sideIds } from '../../../store/state/tryout.ts';
import { Icon } from '../../controls/Icon.tsx';
import { t } from '../../text/index.ts';
import { AnswerPanel } from './AnswerPanel.tsx';

interface TurnProps {
  turn: ChatTurn;
  index: number;
  /** Whether there are answers on the right. */
  two: boolean;
}

/** A message of the user, and its answers side by side. */
export function Turn({ turn, index, two }: TurnProps) {
  const count = useStudio((state) => state.tryout.turns.length);
  const regenerate = useStudio((state) => state.regenerate);
  const busy = useStudio((state) => busyWith(state) !== null);
  const [editing, setEditing] = useState(false);
  const isLast = index === count - 1;
  return (
    <div className="turn">
      {editing ? (
        <Editor turn={turn} index={index} later={count - 1 - index} onClose={() => setEditing(false)} />
      ) : (
        <div className="turn__user">
          <p className="turn__who">{t(turn.kind === 'chat' ? 'chat.you' : 'chat.textTurn')}</p>
          <p className="turn__text">{turn.user}</p>
          <div className="turn__tools">
            <Button
              className="button button--small"
              aria-label={t('chat.editTurn', { n: index + 1 })}
              isDisabled={busy}
              onPress={() => setEditing(true)}
            >
              {t('chat.edit')}
            </Button>
            {isLast && (
              <Button className="button button--small" isDisabled={busy} onPress={() => void regenerate()}>
                <Icon name="reset" />
                {t('chat.regenerate')}
              </Button>
            )}
          </div>
        </div>
      )}
      <div className="answers" data-single={!two}>
        {sideIds.map(
          (side) =>
            (side === 'left' || two) && <AnswerPanel key={side} turn={turn} index={index} side={side} />,
        )}
      </div>
    </div>
  );
}

interface EditorProps {
  turn: ChatTurn;
  index: number;
  /** How many turns follow, which are dropped. */
  later: number;
  onClose: () => void;
}

function Editor({ turn, index, later, onClose }: EditorProps) {
  const [text, setText] = useState(turn.user);
  const editTurn = useStudio((state) => state.editTurn);
  const busy = useStudio((state) => busyWith(state) !== null);
  const ready = !busy && (turn.kind === 'text' || text.trim() !== '');
  return (
    <div className="turn__editor">
      <TextField
        className="field"
        value={text}
        onChange={setText}
        // The user has just asked for it.
        // oxlint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        onKeyDown={(event) => event.key === 'Escape' && onClose()}
      >
        <Label>{t('chat.editLabel')}</Label>
        <TextArea rows={2} />
      </TextField>
      <div className="row row--tight">
        <Button
          className="button button--small button--primary"
          isDisabled={!ready}
          onPress={() => {
            onClose();
            void editTurn(index, text);
          }}
        >
          {t('chat.editSend')}
        </Button>
        <Button className="button button--small" onPress={onClose}>
          {t('chat.editCancel')}
        </Button>
        {later > 0 && <span className="remark">{t('chat.editDrops', { n: later })}</span>}
      </div>
    </div>
  );
}
