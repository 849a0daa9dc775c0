import { useState, type ReactNode } from 'react';
import { Button, ToggleButton } from 'react-aria-components';
import type { ChatTurn } from '../../../../hosts/browser/projectsProtocol.ts';
import { useStudio } from '../../../store/index.ts';
import { authorOf, canAnswer, sameAuthor } from '../../../store/sides.ts';
import { busyWith } from '../../../store/state.ts';
import type { Side } from '../../../store/state/tryout.ts';
import { piecesOf } from '../../../store/pieces.ts';
import { splitThought } from '../../../store/thoughts.ts';
import { CopyButton, ErrorNotice } from '../../controls/Notice.tsx';
import { formatCompact } from '../../format.ts';
import { t } from '../../text/index.ts';
import { authorText } from './authorText.ts';
import { AnswerTokens } from './AnswerTokens.tsx';

interface AnswerPanelProps {
  turn: ChatTurn;
  index: number;
  side: Side;
}

/** One side's answer to a turn, always as plain text. */
export function AnswerPanel({ turn, index, side }: AnswerPanelProps) {
  const writing = useStudio(({ tryout }) =>
    tryout.writing?.turn === index && tryout.writing.side === side ? tryout.writing : null,
  );
  const failed = useStudio(({ tryout }) =>
    tryout.failed?.turn === index && tryout.failed.side === side ? tryout.failed.error : null,
  );
  const name = useNameOf(side);
  const other = useOtherAuthor(turn, side);
  const answer = turn.answers[side];
  const text = writing?.text ?? answer?.text ?? '';
  const pieces = answer && !writing ? piecesOf(answer) : null;
  const [listed, setListed] = useState(false);
  return (
    <article
      className="answer"
      data-side={side}
      data-active={writing !== null}
      aria-busy={writing !== null}
      aria-label={name}
    >
      {other !== null && <p className="answer__by">{t('chat.answeredBy', { author: other })}</p>}
      {failed ? (
        <ErrorNotice error={failed} />
      ) : pieces && (listed || isPlain(text)) ? (
        <AnswerTokens pieces={pieces} listed={listed} />
      ) : writing || answer ? (
        <AnswerText text={text} isWriting={writing !== null} />
      ) : (
        <Unanswered side={side} />
      )}
      <div className="answer__foot">
        <p className="answer__facts">
          {writing
            ? writingFacts(writing.tokens, writing.tokensPerSecond)
            : answer &&
              t('try.facts', {
                n: answer.tokens,
                speed: formatCompact(answer.tokensPerSecond),
                end: t(`try.stoppedBy.${answer.stoppedBy}`),
              })}
        </p>
        {answer && (
          <AnswerTools turn={turn} index={index} side={side}>
            {pieces && (
              <ToggleButton
                className="button button--small"
                aria-label={t('chat.answerTool', { tool: t('chat.chances'), n: index + 1, author: name })}
                isSelected={listed}
                onChange={setListed}
              >
                {t('chat.chances')}
              </ToggleButton>
            )}
          </AnswerTools>
        )}
      </div>
    </article>
  );
}

/** Whether a text is shown as it is: one with a thought is not, and neither is an empty one. */
function isPlain(text: string): boolean {
  return text !== '' && splitThought(text).answer === text;
}

function AnswerText({ text, isWriting }: { text: string; isWriting: boolean }) {
  const { thought, answer } = splitThought(text);
  const cursor = isWriting && <span className="answer__cursor" aria-hidden="true" />;
  return (
    <>
      {thought !== null && thought !== '' && (
        <details className="answer__thought" open={answer === ''}>
          <summary>{t(answer === '' && isWriting ? 'chat.thinking' : 'chat.thought')}</summary>
          <p>{thought}</p>
        </details>
      )}
      <p className="answer__text">
        {answer || (isWriting ? '' : <span className="answer__empty">{t('try.emptyAnswer')}</span>)}
        {cursor}
      </p>
    </>
  );
}

/** A turn that this side has not answered, because it came later or was stopped. */
function Unanswered({ side }: { side: Side }) {
  const answerRest = useStudio((state) => state.answerRest);
  const can = useStudio((state) => canAnswer(state, state.tryout.sides[side]));
  const busy = useStudio((state) => busyWith(state) !== null);
  if (busy || !can) return <p className="answer__empty">{busy && can ? '…' : t('chat.notAnswered')}</p>;
  return (
    <p className="answer__empty">
      {t('chat.notAnswered')}{' '}
      <Button className="button button--small" onPress={() => void answerRest()}>
        {t('chat.answerRest')}
      </Button>
    </p>
  );
}

function AnswerTools({ turn, index, side, children }: AnswerPanelProps & { children: ReactNode }) {
  const busy = useStudio((state) => busyWith(state) !== null);
  const addAnswer = useStudio((state) => state.addAnswer);
  const model = useStudio((state) => state.model.summary?.name ?? '');
  const answer = turn.answers[side]!;
  const name = (tool: string) =>
    t('chat.answerTool', { tool, n: index + 1, author: authorText(answer.by, model) });
  return (
    <div className="answer__tools">
      {children}
      <CopyButton
        text={splitThought(answer.text).answer}
        label={t('chat.copy')}
        name={name(t('chat.copy'))}
      />
      {turn.kind === 'chat' && (
        <Button
          className="button button--small"
          aria-label={name(t('chat.add'))}
          isDisabled={busy}
          onPress={() => void addAnswer(index, side)}
        >
          {t('chat.add')}
        </Button>
      )}
    </div>
  );
}

/** What a side is called now. */
export function useNameOf(side: Side): string {
  return useStudio((state) => {
    const answerer = state.tryout.sides[side];
    return answerer ? authorText(authorOf(state, answerer), state.model.summary?.name ?? '') : '';
  });
}

/** Who gave an answer, if that is not what answers on its side now. */
function useOtherAuthor({ answers }: ChatTurn, side: Side): string | null {
  return useStudio((state) => {
    const by = answers[side]?.by;
    const answerer = state.tryout.sides[side];
    if (!by || (answerer && sameAuthor(by, authorOf(state, answerer)))) return null;
    return authorText(by, state.model.summary?.name ?? '');
  });
}

function writingFacts(n: number, speed: number | null): string {
  if (n === 0) return t('try.answering');
  const tokens = t('try.writing', { n });
  return speed === null ? tokens : t('try.writingSpeed', { tokens, speed: formatCompact(speed) });
}
