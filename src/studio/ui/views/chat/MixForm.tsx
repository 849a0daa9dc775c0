import { useState } from 'react';
import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import {
  emptyMix,
  isUsable,
  majorities,
  mixables,
  mixOf,
  mixRules,
  settingsOf,
  type MixDraft,
} from '../../../store/mix.ts';
import { busyWith } from '../../../store/state.ts';
import { Icon } from '../../controls/Icon.tsx';
import { NumberInput } from '../../controls/NumberInput.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { t } from '../../text/index.ts';

/** Adapters mixed into one by PEFT's rules; the mix becomes the adapter of now. */
export function MixForm() {
  const { adapter, shelf, tryout } = useStudio((state) => state);
  const mixAdapters = useStudio((state) => state.mixAdapters);
  const busy = useStudio((state) => busyWith(state) !== null);
  const [draft, setDraft] = useState(emptyMix);
  const change = (changes: Partial<MixDraft>) => setDraft({ ...draft, ...changes });
  const known = mixables(
    { adapter, shelf, tryout },
    { tuned: t('try.tuned'), step: (name, step) => t('chat.by.step', { name, step }) },
  );
  const { parts, rule } = draft;
  const left = [...known].filter(([key]) => parts.every((part) => part.key !== key));
  const has = settingsOf(rule);
  const mix = mixOf(draft, known);
  return (
    <section className="mix" aria-labelledby="mix-title">
      <h3 id="mix-title">{t('mix.title')}</h3>
      <p className="remark">{t('mix.help')}</p>
      {parts.map(({ key, weight }) => {
        const name = known.get(key)?.name ?? t('mix.gone');
        return (
          <div key={key} className="mix__part">
            <NumberInput
              label={t('mix.weight', { name })}
              text={weight}
              problem={isUsable(draft, { weightOf: key }) ? null : t('mix.notNumber')}
              onText={(text) =>
                change({ parts: parts.map((one) => (one.key === key ? { key, weight: text } : one)) })
              }
            />
            <Button
              className="button button--quiet"
              aria-label={t('mix.leaveOut', { name })}
              onPress={() => change({ parts: parts.filter((one) => one.key !== key) })}
            >
              <Icon name="cross" />
            </Button>
          </div>
        );
      })}
      {left.length > 0 && (
        <SelectInput
          label={t('mix.add')}
          value=""
          options={[
            { value: '', label: t('mix.choose') },
            ...left.map(([key, { name }]) => ({ value: key, label: name })),
          ]}
          onChange={(key) => change({ parts: [...parts, { key, weight: '1' }] })}
        />
      )}
      <div className="fields">
        <SelectInput
          label={t('mix.rule')}
          value={rule}
          options={mixRules.map((value) => ({ value, label: value }))}
          help={t('mix.ruleHelp')}
          onChange={(value) => change({ rule: value })}
        />
        {has.density && (
          <NumberInput
            label={t('mix.density')}
            text={draft.density}
            help={t('mix.densityHelp')}
            problem={isUsable(draft, 'density') ? null : t('mix.densityProblem')}
            onText={(density) => change({ density })}
          />
        )}
        {has.rank && (
          <NumberInput
            label={t('mix.rank')}
            text={draft.rank}
            help={t('mix.rankHelp')}
            problem={isUsable(draft, 'rank') ? null : t('mix.rankProblem')}
            onText={(rank) => change({ rank })}
          />
        )}
        {has.majority && (
          <SelectInput
            label={t('mix.majority')}
            value={draft.majority}
            options={majorities.map((value) => ({ value, label: t(`mix.majority.${value}`) }))}
            onChange={(majority) => change({ majority })}
          />
        )}
        {has.seed && (
          <NumberInput
            label={t('mix.seed')}
            text={draft.seed}
            problem={isUsable(draft, 'seed') ? null : t('mix.seedProblem')}
            onText={(seed) => change({ seed })}
          />
        )}
      </div>
      <div>
        <Button
          className="button button--primary"
          isDisabled={busy || mix === null}
          onPress={() => mix && void mixAdapters(mix)}
        >
          {t('mix.button')}
        </Button>
      </div>
    </section>
  );
}
