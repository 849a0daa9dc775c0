import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import type { DataRole } from '../../../hosts/browser/intakeProtocol.ts';
import type { IntakeAnswer, IntakeQuestion } from '../../store/state/intake.ts';
import { formatList } from '../format.ts';
import { t } from '../text/index.ts';

/** Asks which of several things is meant that came together, or whether data files are parts of one data set. */
export function IntakeDialog() {
  const question = useStudio((state) => state.intake.question);
  const answer = useStudio((state) => state.answerIntake);
  return (
    <ModalOverlay
      className="overlay"
      isOpen={question !== null}
      onOpenChange={(open) => {
        if (!open) answer(null);
      }}
    >
      <Modal className="modal modal--wide">
        {question && (
          <Dialog className="dialog">
            {question.kind === 'models' ? (
              <Models question={question} answer={answer} />
            ) : (
              <DataFiles question={question} answer={answer} />
            )}
            <div className="row row--end">
              <Button className="button" onPress={() => answer(null)}>
                {t('intake.none')}
              </Button>
              {question.kind === 'data' && question.joinable && <Join question={question} answer={answer} />}
              {question.kind === 'data' && question.split && (
                <Button className="button button--primary" onPress={() => answer('split')}>
                  {t('intake.split', {
                    train: question.parts[question.split.train]!.name,
                    validation: question.parts[question.split.validation]!.name,
                  })}
                </Button>
              )}
            </div>
          </Dialog>
        )}
      </Modal>
    </ModalOverlay>
  );
}

interface AskProps<Kind extends IntakeQuestion['kind']> {
  question: Extract<IntakeQuestion, { kind: Kind }>;
  answer: (answer: IntakeAnswer) => void;
}

function Models({ question: { options }, answer }: AskProps<'models'>) {
  return (
    <>
      <Heading slot="title">{t('intake.models', { n: options.length })}</Heading>
      <p>{t('intake.modelsHelp')}</p>
      <ul className="intake-choices">
        {options.map(({ id, name, item }, at) => (
          <li key={id} className="intake-choice">
            <span className="intake-choice__text">
              <span className="mono">{name}</span>
              {item.kind === 'model' && item.zip !== null && <span className="found__note">{item.zip}</span>}
            </span>
            <Button className="button" aria-label={t('intake.openName', { name })} onPress={() => answer(at)}>
              {t('intake.open')}
            </Button>
          </li>
        ))}
      </ul>
    </>
  );
}

function DataFiles({ question, answer }: AskProps<'data'>) {
  const { parts, joinable, split } = question;
  const roles = rolesOf(question);
  return (
    <>
      <Heading slot="title">{t('intake.data', { n: parts.length })}</Heading>
      <p>{t(split ? 'intake.dataSplit' : joinable ? 'intake.dataSame' : 'intake.dataDiffer')}</p>
      <ul className="intake-choices">
        {parts.map(({ name, rows: count, problems, fields }, at) => (
          <li key={name + String(at)} className="intake-choice">
            <span className="intake-choice__text">
              <span className="mono">{name}</span>
              <span className="found__note">
                {[
                  t('rail.data', { n: count }),
                  ...(problems > 0 ? [t('rail.problems', { n: problems })] : []),
                  ...(roles[at] ? [t(`intake.role.${roles[at]}`)] : []),
                  formatList(fields.slice(0, 5)),
                ].join(' · ')}
              </span>
            </span>
            <Button className="button" aria-label={t('intake.openName', { name })} onPress={() => answer(at)}>
              {t('intake.open')}
            </Button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Join({ question, answer }: AskProps<'data'>) {
  const rows = question.parts.reduce((sum, part) => sum + part.rows, 0);
  return (
    <Button className={`button${question.split ? '' : ' button--primary'}`} onPress={() => answer('join')}>
      {t('intake.join', { n: rows })}
    </Button>
  );
}

function rolesOf({ item }: AskProps<'data'>['question']): (DataRole | null)[] {
  return item.item.kind === 'data' ? item.item.files.map(({ role }) => role) : [];
}
