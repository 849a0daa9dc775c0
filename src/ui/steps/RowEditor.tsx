import { useEffect, useState, type KeyboardEvent } from 'react';
import { Button, Label, TextArea, TextField } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { noteOf, type ErrorNote } from '../../store/errorNote.ts';
import type { CheckedRow } from '../../workers/dataProtocol.ts';
import { ErrorNotice } from '../controls/Notice.tsx';
import { SwitchInput } from '../controls/SwitchInput.tsx';
import { t } from '../text/index.ts';
import { problemText } from './DataProblems.tsx';
import { pathName, textLeaves, withLeaf } from './textLeaves.ts';

/** More texts than these are better edited as JSON. */
const MOST_FIELDS = 24;
/** Time to finish typing before an edit is checked, in ms. */
const TYPING_PAUSE = 300;

/** A row's texts as fields, or its JSON; what is typed is checked at once by tokenizer and template. */
export function RowEditor({ position, onClose }: { position: number; onClose: () => void }) {
  const rowText = useStudio((state) => state.rowText);
  const changeRows = useStudio((state) => state.changeRows);
  const [text, setText] = useState<string | null>(null);
  const [asJson, setAsJson] = useState(false);
  const [error, setError] = useState<ErrorNote | null>(null);
  const checked = useChecked(position, text);
  useEffect(() => {
    let current = true;
    void rowText(position).then(
      (read) => current && setText(read),
      (failure) => current && setError(noteOf(failure)),
    );
    return () => {
      current = false;
    };
  }, [position, rowText]);
  if (text === null) return <ErrorNotice error={error} onDismiss={onClose} />;
  const value = jsonOf(text);
  const leaves = value === undefined ? [] : textLeaves(value);
  const hasFields = leaves.length > 0 && leaves.length <= MOST_FIELDS;
  const save = async () => {
    try {
      await changeRows({ kind: 'edit', position, text });
      onClose();
    } catch (failure) {
      setError(noteOf(failure));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose();
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void save();
    else return;
    event.preventDefault();
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys of the fields inside
    <form
      className="row-editor"
      aria-label={t('edit.title')}
      onKeyDown={onKeyDown}
      onSubmit={(event) => event.preventDefault()}
    >
      {hasFields && <SwitchInput label={t('edit.asJson')} selected={asJson} onChange={setAsJson} />}
      {hasFields && !asJson ? (
        leaves.map(({ path, text: leaf }, index) => (
          <Area
            key={pathName(path)}
            label={pathName(path)}
            text={leaf}
            focused={index === 0}
            onText={(changed) => setText(JSON.stringify(withLeaf(value, path, changed), null, 2))}
          />
        ))
      ) : (
        <Area label={t('edit.json')} text={text} mono focused onText={setText} />
      )}
      <p className="row-editor__check" role="status">
        {checked &&
          (checked.problem ? problemText(checked.problem) : t('edit.checked', checkedCounts(checked)))}
      </p>
      <ErrorNotice error={error} onDismiss={() => setError(null)} />
      <div className="row row--tight">
        <Button
          className="button button--primary"
          isDisabled={value === undefined}
          onPress={() => void save()}
        >
          {t('edit.save')}
        </Button>
        <Button className="button" onPress={onClose}>
          {t('edit.cancel')}
        </Button>
        <span className="row-editor__keys">{t('edit.keys')}</span>
      </div>
    </form>
  );
}

interface AreaProps {
  label: string;
  text: string;
  onText: (text: string) => void;
  focused?: boolean;
  mono?: boolean;
}

function Area({ label, text, onText, focused = false, mono = false }: AreaProps) {
  const rows = Math.min(14, Math.max(1, text.split('\n').length, Math.ceil(text.length / 90)));
  return (
    // oxlint-disable-next-line jsx-a11y/no-autofocus -- it opens on the person's command
    <TextField className="field" value={text} onChange={onText} autoFocus={focused}>
      <Label className="mono">{label}</Label>
      <TextArea rows={rows} spellCheck={!mono} className={mono ? 'mono' : undefined} />
    </TextField>
  );
}

/** What the edited row would be; null while that is not known. */
function useChecked(position: number, text: string | null): CheckedRow | null {
  const checkRow = useStudio((state) => state.checkRow);
  const [checked, setChecked] = useState<CheckedRow | null>(null);
  useEffect(() => {
    if (text === null) return;
    let current = true;
    const timer = setTimeout(() => {
      void checkRow(position, text).then(
        (result) => current && setChecked(result),
        () => current && setChecked(null),
      );
    }, TYPING_PAUSE);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [checkRow, position, text]);
  return checked;
}

function checkedCounts({ tokens, trainedTokens, cutTokens }: CheckedRow) {
  return { tokens, trained: trainedTokens, cut: cutTokens };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
