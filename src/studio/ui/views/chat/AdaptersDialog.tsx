import { useEffect, useState } from 'react';
import {
  Button,
  Dialog,
  DialogTrigger,
  Form,
  Heading,
  Input,
  Label,
  Modal,
  ModalOverlay,
  TextField,
} from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { HubError } from '../../hub/HubError.tsx';
import { t } from '../../text/index.ts';
import { MixForm } from './MixForm.tsx';

/** The button *Adapters* and its dialog: adapters at hand for the open model, one from a Hub, and mixes of them. */
export function AdaptersDialog() {
  return (
    <DialogTrigger>
      <Button className="button button--small button--quiet">{t('shelf.open')}</Button>
      <ModalOverlay className="overlay overlay--scroll">
        <Modal className="modal modal--wide">
          <Dialog className="dialog">{({ close }) => <Content onClose={close} />}</Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}

function Content({ onClose }: { onClose: () => void }) {
  const error = useStudio((state) => state.adapterError);
  const dismiss = useStudio((state) => state.dismissAdapterError);
  const opening = useStudio((state) => state.openingAdapter);
  const readSides = useStudio((state) => state.readSides);
  useEffect(() => void readSides(), [readSides]);
  return (
    <>
      <Heading slot="title">{t('shelf.open')}</Heading>
      <p>{t('shelf.lead')}</p>
      <HubError error={error} onDismiss={dismiss} />
      {opening && <ProgressLine label={t('shelf.working')} progress={null} />}
      <Shelf />
      <FindAdapter />
      <MixForm />
      <div className="row row--end">
        <Button className="button button--small" onPress={onClose}>
          {t('shelf.close')}
        </Button>
      </div>
    </>
  );
}

/** What was opened or mixed. */
function Shelf() {
  const shelf = useStudio((state) => state.shelf);
  const used = useStudio(({ adapter }) => (adapter?.origin === 'opened' ? adapter.id : null));
  const takeShelved = useStudio((state) => state.takeShelved);
  const removeShelved = useStudio((state) => state.removeShelved);
  const busy = useStudio((state) => busyWith(state) !== null);
  if (shelf.length === 0) return <p className="remark">{t('shelf.none')}</p>;
  return (
    <ul>
      {shelf.map(({ id, name, rank, modules }) => (
        <li key={id} className="stored__item">
          <span className="stored__text">
            <span>{name}</span>
            <span className="found__note">{t('shelf.facts', { rank, n: modules })}</span>
          </span>
          <span className="row">
            {id === used ? (
              <span className="tag">{t('shelf.inUse')}</span>
            ) : (
              <Button
                className="button button--small"
                aria-label={t('shelf.useName', { name })}
                isDisabled={busy}
                onPress={() => void takeShelved(id)}
              >
                {t('shelf.use')}
              </Button>
            )}
            <Button
              className="button button--small button--quiet"
              aria-label={t('shelf.removeName', { name })}
              isDisabled={busy}
              onPress={() => void removeShelved(id)}
            >
              {t('shelf.remove')}
            </Button>
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Opens an adapter of a Hub by its name. */
function FindAdapter() {
  const findAdapter = useStudio((state) => state.findAdapter);
  const host = useStudio((state) => state.hub.host);
  const busy = useStudio((state) => busyWith(state) !== null);
  const [text, setText] = useState('');
  return (
    <Form
      className="finder__form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy && text.trim() !== '') void findAdapter(text);
      }}
    >
      <TextField className="field" value={text} onChange={setText}>
        <Label>{t('shelf.find', { host })}</Label>
        <Input placeholder="org/name" autoComplete="off" autoCapitalize="none" spellCheck={false} />
      </TextField>
      <Button type="submit" className="button" isDisabled={busy || text.trim() === ''}>
        {t('shelf.findButton')}
      </Button>
    </Form>
  );
}
