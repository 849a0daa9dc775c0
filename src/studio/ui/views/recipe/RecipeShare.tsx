import { useState } from 'react';
import { Button, Input, Label, TextArea, TextField } from 'react-aria-components';
import { exportFlags } from '../../../../base/config/finetuneFlags.ts';
import { pythonScript } from '../../../../base/config/pythonScript.ts';
import { recipeFragment } from '../../../../base/config/recipeLink.ts';
import type { RecipeKey } from '../../../../base/config/recipe.ts';
import { useStudio } from '../../../store/index.ts';
import { isTraining } from '../../../store/state.ts';
import { Fold } from '../../controls/Fold.tsx';
import { Icon } from '../../controls/Icon.tsx';
import { CopyButton } from '../../controls/Notice.tsx';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { downloadFile } from '../../files.ts';
import { formatList } from '../../format.ts';
import { fieldText, t } from '../../text/index.ts';

/** Saves recipes by name, shares them as a link or with other tools, and imports from those. */
export function RecipeShare() {
  return (
    <Fold title={t('share.title')} note={t('share.note')}>
      <div className="share">
        <Named />
        <ShareLink />
        <FlagsImport />
        <RecipeExport />
      </div>
    </Fold>
  );
}

function Named() {
  const saved = useStudio((state) => state.recipe.saved);
  const saveNamed = useStudio((state) => state.saveNamed);
  const loadNamed = useStudio((state) => state.loadNamed);
  const removeNamed = useStudio((state) => state.removeNamed);
  const disabled = useStudio(isTraining);
  const [name, setName] = useState('');
  const wanted = name.trim();
  const save = () => {
    saveNamed(wanted);
    setName('');
  };
  return (
    <div className="share__part">
      <h4>{t('share.named')}</h4>
      {saved.length > 0 && (
        <ul className="named-recipes">
          {saved.map((recipe) => (
            <li key={recipe.name}>
              <Button
                className="button button--small"
                isDisabled={disabled}
                onPress={() => loadNamed(recipe.name)}
              >
                {recipe.name}
              </Button>
              <Button
                className="icon-button"
                aria-label={t('share.remove', { name: recipe.name })}
                onPress={() => removeNamed(recipe.name)}
              >
                <Icon name="cross" size={14} />
              </Button>
            </li>
          ))}
        </ul>
      )}
      <form
        className="share__line"
        onSubmit={(event) => {
          event.preventDefault();
          if (wanted !== '') save();
        }}
      >
        <TextField className="field" value={name} onChange={setName} maxLength={60}>
          <Label>{t('share.name')}</Label>
          <Input autoComplete="off" />
        </TextField>
        <Button className="button" type="submit" isDisabled={wanted === ''}>
          {t('share.keep')}
        </Button>
      </form>
    </div>
  );
}

function ShareLink() {
  const draft = useStudio((state) => state.recipe.draft);
  const link = `${location.origin}${location.pathname}${recipeFragment(draft)}`;
  return (
    <div className="share__part">
      <h4>{t('share.link')}</h4>
      <p className="remark">{t('share.linkHelp')}</p>
      <div className="share__line">
        <TextField className="field" value={link} isReadOnly>
          <Label>{t('share.linkLabel')}</Label>
          <Input className="mono" onFocus={(event) => event.currentTarget.select()} />
        </TextField>
        <CopyButton text={link} label={t('share.copyLink')} />
      </div>
    </div>
  );
}

function FlagsImport() {
  const readFlags = useStudio((state) => state.readFlags);
  const disabled = useStudio(isTraining);
  const [text, setText] = useState('');
  return (
    <div className="share__part">
      <h4>{t('share.import')}</h4>
      <TextField className="field" value={text} onChange={setText}>
        <Label>{t('share.flags')}</Label>
        <TextArea
          rows={4}
          spellCheck={false}
          className="mono"
          placeholder="--use_lora --learning_rate 3e-4"
        />
      </TextField>
      <div className="row row--tight">
        <Button
          className="button"
          isDisabled={disabled || text.trim() === ''}
          onPress={() => readFlags(text)}
        >
          {t('share.read')}
        </Button>
      </div>
    </div>
  );
}

type Format = 'flags' | 'python';

function RecipeExport() {
  const draft = useStudio((state) => state.recipe.draft);
  const model = useStudio((state) => state.model.summary?.name ?? null);
  const data = useStudio((state) => state.dataset.summary?.name ?? null);
  const [format, setFormat] = useState<Format>('flags');
  const { text, lost, file } =
    format === 'flags' ? flagsOf(exportFlags(draft, namesOf(model, data))) : python(draft, model);
  return (
    <div className="share__part">
      <h4>{t('share.export')}</h4>
      <SelectInput
        label={t('share.format')}
        value={format}
        options={[
          { value: 'flags', label: t('share.format.flags') },
          { value: 'python', label: t('share.format.python') },
        ]}
        onChange={setFormat}
      />
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus */}
      <pre className="code" tabIndex={0} aria-label={t(`share.format.${format}`)} role="group">
        {text}
      </pre>
      {lost.length > 0 && (
        <p className="remark">
          {t('share.lost', { fields: formatList(lost.map((key) => fieldText(key).label)) })}
        </p>
      )}
      <div className="row row--tight">
        <CopyButton text={text} label={t('share.copy')} />
        <Button
          className="button button--small"
          onPress={() => downloadFile(new Blob([text], { type: 'text/plain' }), file)}
        >
          <Icon name="download" />
          {t('share.download', { file })}
        </Button>
      </div>
    </div>
  );
}

interface Exported {
  text: string;
  lost: RecipeKey[];
  file: string;
}

function flagsOf({ command, lost }: ReturnType<typeof exportFlags>): Exported {
  return { text: command, lost, file: 'finetune.sh' };
}

function python(draft: Parameters<typeof pythonScript>[0], model: string | null): Exported {
  return { ...pythonScript(draft, model ?? 'model'), file: 'train.py' };
}

function namesOf(model: string | null, data: string | null): { model?: string; data?: string } {
  return { ...(model !== null && { model }), ...(data !== null && { data }) };
}
