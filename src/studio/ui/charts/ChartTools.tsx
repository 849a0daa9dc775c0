import { useSyncExternalStore } from 'react';
import { Button, Label, Slider, SliderThumb, SliderTrack, ToggleButton } from 'react-aria-components';
import { metrics } from '../../store/index.ts';
import { Icon } from '../controls/Icon.tsx';
import { t } from '../text/index.ts';
import { zoomBy } from './chartKeys.ts';
import type { ChartModel } from './chartModel.ts';
import { useChartView } from './useChart.ts';

/** The strongest smoothing: the average of the last hundred steps. */
const MAX_DECAY = 0.99;

/** Smoothing, scale and zoom of the curve. */
export function ChartTools({ charts }: { charts: ChartModel }) {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const { range, log } = useChartView(charts);
  const empty = metrics.length === 0;
  return (
    <div className="chart__tools">
      <Slider
        className="slider"
        value={metrics.smoothing}
        minValue={0}
        maxValue={MAX_DECAY}
        step={0.01}
        onChange={(decay) => metrics.setSmoothing(decay)}
        isDisabled={empty}
      >
        <Label>{t('chart.smoothing')}</Label>
        <SliderTrack className="slider__track">
          <span className="slider__fill" style={{ width: `${(metrics.smoothing / MAX_DECAY) * 100}%` }} />
          <SliderThumb className="slider__thumb" />
        </SliderTrack>
        <output className="slider__value">{metrics.smoothing.toFixed(2)}</output>
      </Slider>
      <ToggleButton
        className="button button--small button--toggle"
        isSelected={log}
        onChange={(on) => charts.setLog(on)}
      >
        {t('chart.log')}
      </ToggleButton>
      <div className="chart__zoom">
        <Button
          className="icon-button"
          aria-label={t('chart.zoomIn')}
          isDisabled={empty}
          onPress={() => zoomBy(charts, 0.5)}
        >
          <Icon name="plus" />
        </Button>
        <Button
          className="icon-button"
          aria-label={t('chart.zoomOut')}
          isDisabled={empty}
          onPress={() => zoomBy(charts, 2)}
        >
          <Icon name="minus" />
        </Button>
        <Button
          className="button button--small button--quiet"
          isDisabled={empty}
          data-idle={range === null}
          onPress={() => charts.zoom(null)}
        >
          {t('chart.showAll')}
        </Button>
      </div>
    </div>
  );
}
