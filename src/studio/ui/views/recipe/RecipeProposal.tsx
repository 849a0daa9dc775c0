import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { changedFields } from '../../../../base/config/presets.ts';
import { useStudio } from '../../../store/index.ts';
import type { RecipeProposal as Proposal } from '../../../store/state/recipe.ts';
import { isTraining } from '../../../store/state.ts';
import { detailText, fieldText, t } from '../../text/index.ts';
import { fragmentOf } from '../../frame/address.ts';
import { valueText } from './recipeText.ts';

/** A recipe from a link or from flags, shown field by field before any of it is applied. */
export function RecipeProposal() {
  const proposal = useStudio((state) => state.recipe.proposal);
  const answer = useStudio((state) => state.answerProposal);
  const project = useStudio((state) => state.projects.open?.id ?? null);
  const disabled = useStudio(isTraining);
  const close = (take: boolean) => {
    // A link is answered once, not again with each reload.
    if (proposal?.from === 'link') history.replaceState(null, '', fragmentOf({ view: 'recipe', project }));
    answer(take);
  };
  return (
    <ModalOverlay
      className="overlay"
      isOpen={proposal !== null}
      onOpenChange={(open) => {
        if (!open) close(false);
      }}
    >
      <Modal className="modal modal--wide">
        {proposal && (
          <Dialog className="dialog">
            <Heading slot="title">{t(`proposal.${proposal.from}`)}</Heading>
            <Changes proposal={proposal} />
            <Remarks proposal={proposal} />
            <div className="row row--end">
              <Button className="button" onPress={() => close(false)}>
                {t('proposal.leave')}
              </Button>
              <Button className="button button--primary" isDisabled={disabled} onPress={() => close(true)}>
                {t('proposal.take')}
              </Button>
            </div>
          </Dialog>
        )}
      </Modal>
    </ModalOverlay>
  );
}

/** The changes to the current recipe. */
function Changes({ proposal: { recipe } }: { proposal: Proposal }) {
  const draft = useStudio((state) => state.recipe.draft);
  const changed = changedFields(recipe, draft);
  if (changed.length === 0) return <p>{t('proposal.same')}</p>;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must be focusable
    <div className="table-scroll" tabIndex={0} role="group" aria-label={t('proposal.changes')}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{t('proposal.field')}</th>
            <th scope="col">{t('proposal.now')}</th>
            <th scope="col">{t('proposal.then')}</th>
          </tr>
        </thead>
        <tbody>
          {changed.map((key) => (
            <tr key={key}>
              <td>{fieldText(key).label}</td>
              <td>{valueText(draft[key])}</td>
              <td>
                <strong>{valueText(recipe[key])}</strong>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The parts that can't be applied, and why. */
function Remarks({ proposal }: { proposal: Proposal }) {
  const remarks =
    proposal.from === 'flags'
      ? [
          ...proposal.ignored.map(({ flag, value, reason }) =>
            t('proposal.ignored', { flag: `${flag} ${value}`.trim(), reason: t(`ignored.${reason}`) }),
          ),
          ...(proposal.alsoInFull ? [t('proposal.alsoInFull')] : []),
        ]
      : [
          ...proposal.unknown.map((name) => t('proposal.unknown', { name })),
          ...proposal.invalid.map(({ field, value, expected }) =>
            t('proposal.invalid', { field: fieldText(field).label, value, expected: detailText(expected) }),
          ),
        ];
  if (remarks.length === 0) return null;
  return (
    <div className="proposal__remarks">
      <p>{t('proposal.notTaken')}</p>
      <ul>
        {remarks.map((remark, index) => (
          <li key={index}>{remark}</li>
        ))}
      </ul>
    </div>
  );
}
