import { useSyncExternalStore } from 'react';
import { Button, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { metrics } from '../../store/index.ts';
import { Icon } from '../controls/Icon.tsx';
import { t } from '../text/index.ts';
import type { ChartModel } from './chartModel.ts';
import { exportChart } from './exportChart.ts';
import { useRunName } from './useChart.ts';

/** The curve as a picture or as a file of its values, beside the chart's title. */
export function ChartExport({ charts }: { charts: ChartModel }) {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const name = useRunName();
  return (
    <MenuTrigger>
      <Button className="button button--small" isDisabled={metrics.length === 0}>
        <Icon name="download" />
        {t('chart.export')}
      </Button>
      <Popover className="popover" placement="bottom end">
        <Menu className="menu">
          {(['png', 'csv', 'json'] as const).map((kind) => (
            <MenuItem
              key={kind}
              id={kind}
              className="menu__item"
              onAction={() => void exportChart(kind, name, charts)}
            >
              {t(`chart.${kind}`)}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
