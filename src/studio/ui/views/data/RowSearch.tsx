import { useState, type KeyboardEvent } from 'react';
import { Button, Input, Label, TextField } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { Icon } from '../../controls/Icon.tsx';
import { NumberInput } from '../../controls/NumberInput.tsx';
import { t } from '../../text/index.ts';

/** Finds rows by text, or by line number. Enter goes to the next, with Shift to the previous. */
export function RowSearch() {
  const [query, setQuery] = useState('');
  const matches = useStudio((state) => state.dataset.matches);
  const line = useStudio((state) => state.dataset.preview?.line ?? 1);
  const findRow = useStudio((state) => state.findRow);
  const showLine = useStudio((state) => state.showLine);
  const isCurrent = matches?.query === query;
  const find = (direction: 1 | -1) => void findRow(query, isCurrent ? direction : 0);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    find(event.shiftKey ? -1 : 1);
  };
  const none = query.trim() === '';
  return (
    <div className="row-search">
      <TextField className="field" type="search" value={query} onChange={setQuery}>
        <Label>{t('data.search')}</Label>
        <Input onKeyDown={onKeyDown} autoComplete="off" spellCheck={false} />
      </TextField>
      <Button
        className="icon-button"
        aria-label={t('data.searchBack')}
        isDisabled={none}
        onPress={() => find(-1)}
      >
        <Icon name="left" />
      </Button>
      <Button
        className="icon-button"
        aria-label={t('data.searchOn')}
        isDisabled={none}
        onPress={() => find(1)}
      >
        <Icon name="chevron" />
      </Button>
      <p className="row-search__found" role="status">
        {isCurrent && !none && t('data.found', { n: matches.count })}
      </p>
      <NumberInput
        label={t('data.toLine')}
        text={String(line)}
        onText={(text) => /^\d+$/.test(text) && Number(text) > 0 && void showLine(Number(text))}
      />
    </div>
  );
}
