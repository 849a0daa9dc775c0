import { useState } from 'react';
import { Button, Input, Label, TextArea, TextField } from 'react-aria-components';
import { changedFields } from '../../config/presets.ts';
import { useStudio } from '../../store/index.ts';
import { busyWith } from '../../store/state.ts';
import type { RunDetail, RunEntry } from '../../workers/protocol.ts';
import { Fact, Facts } from '../controls/Facts.tsx';
import { Icon } from '../controls/Icon.tsx';
import { downloadFile } from '../files.ts';
import { formatBytes, formatDuration, formatList, formatMoment } from '../format.ts';
import { valueText } from '../steps/recipeText.ts';
import { errorText, fieldText, hasErrorText, t } from '../text/index.ts';
import { Checkpoints } from './Checkpoints.tsx';
import { Samples } from './Samples.tsx';

type Head = NonNullable<RunEntry['head']>;

/** All that is stored of a run, and what can be done with it. */
export function RunDetails({ id, head }: { id: string; head: Head }) {
  const detail = useStudio(({ runs }) => (runs.open?.id === id ? runs.open.detail : null));
  const { base, data, recipe, progress, createdAt, failure } = head;
  const changed = changedFields(recipe).map((key) => `${fieldText(key).label} ${valueText(recipe[key])}`);
  return (
    <div className="run__details">
      {failure && hasErrorText(failure.code) && (
        <p className="run__failure">{errorText(failure.code, failure.params).what}</p>
      )}
      <Facts>
        <Fact name={t('runs.model')}>{base.repo ?? base.name}</Fact>
        <Fact name={t('runs.data')} note={t('rail.data', { n: data.rows })}>
          {data.file}
        </Fact>
        <Fact name={t('runs.began')}>{formatMoment(createdAt)}</Fact>
        <Fact name={t('runs.took')}>{formatDuration(progress.seconds)}</Fact>
        {detail && <Fact name={t('runs.size')}>{formatBytes(detail.size.total)}</Fact>}
      </Facts>
      {changed.length > 0 && (
        <p className="remark">
          {t('runs.recipe')}: {formatList(changed)}
        </p>
      )}
      <Names id={id} head={head} />
      {detail && <Checkpoints id={id} checkpoints={detail.checkpoints} />}
      {detail && <Samples samples={detail.curves.filter((record) => record.kind === 'sample')} />}
      <Actions id={id} head={head} detail={detail} />
    </div>
  );
}

function Names({ id, head }: { id: string; head: Head }) {
  const change = useStudio((state) => state.changeRun);
  const [name, setName] = useState(head.name);
  const [note, setNote] = useState(head.note);
  const keep = () => {
    const wanted = name.trim() === '' ? head.name : name.trim();
    setName(wanted);
    if (wanted !== head.name || note !== head.note) void change(id, { name: wanted, note });
  };
  return (
    <div className="run__names">
      <TextField className="field" value={name} onChange={setName} onBlur={keep}>
        <Label>{t('runs.name')}</Label>
        <Input />
      </TextField>
      <TextField className="field" value={note} onChange={setNote} onBlur={keep}>
        <Label>{t('runs.note')}</Label>
        <TextArea rows={1} placeholder={t('runs.noteHint')} />
      </TextField>
    </div>
  );
}

function Actions({ id, head, detail }: { id: string; head: Head; detail: RunDetail | null }) {
  const working = useStudio((state) => state.runs.working);
  const exported = useStudio((state) => (state.runs.exported?.id === id ? state.runs.exported.file : null));
  const training = head.status === 'running' || head.status === 'elsewhere';
  const busy = useStudio((state) => busyWith(state) !== null) || working !== null;
  const exportRun = useStudio((state) => state.exportRun);
  const free = useStudio((state) => state.freeRun);
  const remove = useStudio((state) => state.removeRun);
  const setFields = useStudio((state) => state.setFields);
  const freed = detail?.size.forResume ?? 0;
  return (
    <div className="row row--tight">
      <Button className="button button--small" isDisabled={busy} onPress={() => setFields(head.recipe)}>
        {t('runs.useRecipe')}
      </Button>
      {exported ? (
        <Button className="button button--small" onPress={() => downloadFile(exported, exported.name)}>
          <Icon name="download" />
          {t('runs.exported', { name: exported.name, size: formatBytes(exported.size) })}
        </Button>
      ) : (
        <Button
          className="button button--small"
          isDisabled={working !== null}
          onPress={() => void exportRun(id)}
        >
          {t(working?.kind === 'exporting' ? 'runs.exporting' : 'runs.export')}
        </Button>
      )}
      {freed > 0 && head.status === 'done' && (
        <Button
          className="button button--small"
          isDisabled={busy}
          aria-description={t('runs.freeHelp')}
          onPress={() => void free(id)}
        >
          {t('runs.free', { size: formatBytes(freed) })}
        </Button>
      )}
      {!training && (
        <Button
          className="button button--small"
          isDisabled={busy}
          aria-label={t('runs.deleteName', { name: head.name })}
          onPress={() => remove(id)}
        >
          {t('runs.delete')}
        </Button>
      )}
    </div>
  );
}
