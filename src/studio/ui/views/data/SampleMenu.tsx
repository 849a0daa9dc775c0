import { Button, Menu, MenuItem, MenuTrigger, Popover, Text } from 'react-aria-components';
import { sampleFiles } from '../../../store/state/example.ts';
import { useStudio } from '../../../store/index.ts';
import { Icon } from '../../controls/Icon.tsx';
import { t } from '../../text/index.ts';

/** The datasets that ship with the page, each with its purpose. */
export function SampleMenu({ first, disabled }: { first: boolean; disabled: boolean }) {
  const openSample = useStudio((state) => state.openSample);
  return (
    <MenuTrigger>
      <Button className={`button button--${first ? 'plain' : 'quiet'}`} isDisabled={disabled}>
        {t('data.sample')}
        <Icon name="down" size={12} />
      </Button>
      <Popover className="popover" placement="bottom start">
        <Menu className="menu">
          {sampleFiles.map((file) => (
            <MenuItem
              key={file}
              id={file}
              className="menu__item"
              textValue={t(`data.sample.${file}`)}
              onAction={() => void openSample(file)}
            >
              <Text slot="label">{t(`data.sample.${file}`)}</Text>
              <Text slot="description" className="found__note">
                {t(`data.sample.${file}.help`)}
              </Text>
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
