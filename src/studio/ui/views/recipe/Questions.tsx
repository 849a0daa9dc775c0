import { useId, useState } from 'react';
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { changedFields } from '../../../../base/config/presets.ts';
import { recipeFields, type Recipe, type RecipeKey } from '../../../../base/config/recipe.ts';
import {
  answerFields,
  answerOf,
  questionAnswers,
  questionFields,
  questions,
  type Answer,
  type Question,
  type RecipeFacts,
} from '../../../../base/config/recipeQuestions.ts';
import { useStudio } from '../../../store/index.ts';
import { useRecipeFacts } from './useRecipeFacts.ts';
import { shownRecipe } from '../../../store/steps.ts';
import { formatList } from '../../format.ts';
import { fieldText, t, type TextKey } from '../../text/index.ts';
import { settingText } from './recipeText.ts';

/** A setting that an answer moves. */
interface Move {
  key: RecipeKey;
  from: unknown;
  to: unknown;
}

/** What a beginner decides, three questions that each move several settings, which are shown. */
export function Questions({ disabled }: { disabled: boolean }) {
  return (
    <div className="recipe-questions">
      {questions.map((question) => (
        <OneQuestion key={question} question={question} disabled={disabled} />
      ))}
    </div>
  );
}

function OneQuestion({ question, disabled }: { question: Question; disabled: boolean }) {
  const id = useId();
  const recipe = useStudio(shownRecipe);
  const facts = useRecipeFacts();
  const give = useStudio((state) => state.answer);
  const [pointedAt, setPointedAt] = useState<Answer | null>(null);
  const [focused, setFocused] = useState<Answer | null>(null);
  const given = answerOf(question, recipe, facts);
  const looked = pointedAt ?? focused;
  const preview = disabled || looked === given ? null : looked;
  return (
    <section className="recipe-question" aria-labelledby={id}>
      <div className="recipe-question__head">
        <h3 id={id}>{t(`ask.${question}`)}</h3>
        {given === null && <span className="recipe-question__own">{t('ask.own')}</span>}
      </div>
      <ToggleButtonGroup
        className="recipe-question__answers"
        aria-labelledby={id}
        isDisabled={disabled}
        disallowEmptySelection
        selectedKeys={given === null ? [] : [given]}
        onSelectionChange={(keys) => {
          const answer = questionAnswers[question].find((one) => keys.has(one));
          if (answer && answer !== given) give(question, answer);
        }}
      >
        {questionAnswers[question].map((answer) => {
          const name = `ask.${question}.${answer}` as TextKey;
          return (
            <ToggleButton
              key={answer}
              id={answer}
              className="answer-choice"
              aria-label={t(name)}
              aria-describedby={`${id}-${answer}`}
              onHoverStart={() => setPointedAt(answer)}
              onHoverEnd={() => setPointedAt((now) => (now === answer ? null : now))}
              // A click may focus the answer that had the focus last: that is no look at it.
              onFocus={({ currentTarget }) =>
                setFocused(currentTarget.matches(':focus-visible') ? answer : null)
              }
              onBlur={() => setFocused((now) => (now === answer ? null : now))}
            >
              <span className="answer-choice__name">{t(name)}</span>
              <span className="answer-choice__help">{t(`${name}.help` as TextKey)}</span>
              <span className="hidden" id={`${id}-${answer}`}>
                {described(question, answer, recipe, facts)}
              </span>
            </ToggleButton>
          );
        })}
      </ToggleButtonGroup>
      {preview === null ? (
        <Settings question={question} recipe={recipe} facts={facts} />
      ) : (
        <p className="recipe-question__moves" data-preview>
          <span className="recipe-question__would">{t('ask.would')}</span>
          {movesOf(recipe, answerFields(question, preview, recipe, facts)).map((move) => (
            <MovedSetting key={move.key} move={move} facts={facts} />
          ))}
        </p>
      )}
    </section>
  );
}

/** The settings of the question as they are; those that the last answer moved with what they were. */
function Settings({ question, recipe, facts }: { question: Question; recipe: Recipe; facts: RecipeFacts }) {
  const moved = useStudio((state) => state.recipe.moved);
  const shown = questionFields(question, recipe, facts).filter(
    (key) => key in moved || isTelling(key, recipe),
  );
  return (
    <p className="recipe-question__moves">
      {shown.map((key) => (
        <MovedSetting
          key={key}
          move={{ key, from: key in moved ? moved[key] : recipe[key], to: recipe[key] }}
          facts={facts}
        />
      ))}
    </p>
  );
}

/** The settings that say most of a recipe; others are told where they differ from their defaults. */
const telling: readonly RecipeKey[] = [
  ...(['epochs', 'warmup_steps', 'rank', 'alpha', 'targets', 'lr'] as const),
  ...(['method', 'batch_size', 'grad_accum', 'max_length'] as const),
];

function isTelling(key: RecipeKey, recipe: Recipe): boolean {
  if (key === 'epochs') return recipe.max_steps === 0;
  const isDefault = JSON.stringify(recipe[key]) === JSON.stringify(recipeFields[key].default);
  return telling.includes(key) || !isDefault;
}

function MovedSetting({ move: { key, from, to }, facts }: { move: Move; facts: RecipeFacts }) {
  const [before, after] = [settingText(key, from, facts), settingText(key, to, facts)];
  return (
    <span className="moved" data-moved={before !== after}>
      <span className="moved__name">{fieldText(key).label}</span>
      {before !== after && (
        <>
          <s className="moved__from">{before}</s>
          <span aria-hidden="true">→</span>
        </>
      )}
      <strong>{after}</strong>
    </span>
  );
}

function movesOf(recipe: Recipe, changes: Partial<Recipe>): Move[] {
  return changedFields({ ...recipe, ...changes }, recipe).map((key) => ({
    key,
    from: recipe[key],
    to: changes[key],
  }));
}

/** An answer for screen readers: what it is for, and what it would move. */
function described(question: Question, answer: Answer, recipe: Recipe, facts: RecipeFacts): string {
  const help = t(`ask.${question}.${answer}.help` as TextKey);
  const moves = movesOf(recipe, answerFields(question, answer, recipe, facts)).map(({ key, from, to }) =>
    t('ask.change', {
      field: fieldText(key).label,
      from: settingText(key, from, facts),
      to: settingText(key, to, facts),
    }),
  );
  return moves.length === 0 ? help : `${help}. ${t('ask.would')} ${formatList(moves)}`;
}
