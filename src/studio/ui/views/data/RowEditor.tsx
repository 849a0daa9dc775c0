import { parseBoundedJson } from '../../../../base/lib/boundedJson.ts';
import { useEffect, useState, type KeyboardEvent } from 'react';
import { Button, Label, TextArea, TextField } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { noteOf, type ErrorNote } from '../../../store/errorNote.ts';
import type { CheckedRow } from '../../../../hosts/browser/dataProtocol.ts';
import { ErrorNotice } from '../../controls/Notice.tsx';
import { SwitchInput } from '../../controls/SwitchInput.tsx';
import { t } from '../../text/index.ts';
import { problemText } from './DataProblems.tsx';
import { pathName, textLeaves, withLeaf } from './textLeaves.ts';

/** Rows with more texts are better edited as JSON. */
const MAX_FIELDS = 24;
/** Debounce time before an edit is checked, in ms. */
const TYPING_PAUSE = 300;

/** A row's texts as fields, or its JSON; edits are checked at once by tokenizer and template. */
export function RowEditor({ position, onClose }: { position: number; onClose: () => void }) {
  const rowText = useStudio((state) => state.rowText);
  const changeRows = useStudio((state) => state.changeRows);
  const draft = useStudio((state) => state.dataset.drafts[position]);
  const setDraft = useStudio((state) => state.setDraft);
  const [read, setRead] = useState<string | null>(null);
  // What was typed stays when another row is shown, and after a reload.
  const text = draft ?? read;
  const [asJson, setAsJson] = useState(false);
  const [error, setError] = useState<ErrorNote | null>(null);
  const checked = useChecked(position, text);
  useEffect(() => {
    let current = true;
    void rowText(position).then(
      (own) => current && setRead(own),
      (failure) => current && setError(noteOf(failure)),
    );
    return () => {
      current = false;
    };
  }, [position, rowText]);
  if (text === null) return <ErrorNotice error={error} onDismiss={onClose} />;
  const value = jsonOf(text);
  const leaves = value === undefined ? [] : textLeaves(value);
  const hasFields = leaves.length > 0 && leaves.length <= MAX_FIELDS;
  const setText = (typed: string) => setDraft(position, typed === read ? null : typed);
  const cancel = () => {
    setDraft(position, null);
    onClose();
  };
  const save = async () => {
    try {
      await changeRows({ kind: 'edit', position, text });
      cancel();
    } catch (failure) {
      setError(noteOf(failure));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') cancel();
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void save();
    else return;
    event.preventDefault();
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- handles keys of the fields inside
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
        <Button className="button" onPress={cancel}>
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
    // oxlint-disable-next-line jsx-a11y/no-autofocus -- it opens on the user's command
    <TextField className="field" value={text} onChange={onText} autoFocus={focused}>
      <Label className="mono">{label}</Label>
      <TextArea rows={rows} spellCheck={!mono} className={mono ? 'mono' : undefined} />
    </TextField>
  );
}

/** Preview of the edited row; null until known. */
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
    return parseBoundedJson(text);
  } catch {
    return undefined;
  }
}
