import { useMemo, useState, type KeyboardEvent } from 'react';
import { Button } from 'react-aria-components';
import { flameOf } from '../../../base/lib/profile.ts';
import type { Profile } from '../../../hosts/browser/protocol.ts';
import { formatTime } from '../benchmark/figures.ts';
import { formatShare } from '../format.ts';
import { t } from '../text/index.ts';
import { boxesOf, nextBox, type Box } from './boxes.ts';

/** Row height and gap in pixels. */
const ROW = 22;
const GAP = 2;

/** Minimum share of the width for a bar to be drawn, and for its name to be shown. */
const VISIBLE = 0.0004;
const NAMED = 0.06;

interface FlameChartProps {
  step: number;
  profile: Profile;
  colour(kernel: string): number;
}

/** A step as a flame chart: parts above their children, kernels lowest, with widths by duration. */
export function FlameChart({ step, profile, colour }: FlameChartProps) {
  const boxes = useMemo(() => boxesOf(flameOf(profile, t('profile.step', { step }))), [profile, step]);
  const [view, setView] = useState(boxes[0]!);
  const [chosen, setChosen] = useState(boxes[0]!);
  const { start, end } = view.flame;
  const width = Math.max(end - start, 1e-9);
  const rows = 1 + Math.max(...boxes.map(({ depth }) => depth));

  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextBox(chosen, event.key);
    if (event.key === 'Enter') setView(chosen.flame.dispatch ? chosen.parent! : chosen);
    else if (event.key === 'Escape') setView(view.parent ?? view);
    else if (next) setChosen(next);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="flame">
      {/* Arrow keys move in it, as in a tree, but a bar for each dispatch would be no list to hear. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        className="flame__chart"
        role="application"
        aria-label={t('profile.chart', { step })}
        aria-describedby="flame-keys"
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <svg width="100%" height={rows * (ROW + GAP)} aria-hidden="true">
          {boxes.map((box) => {
            const from = Math.max(0, (box.flame.start - start) / width);
            const to = Math.min(1, (box.flame.end - start) / width);
            if (to - from < VISIBLE) return null;
            const { name, dispatch } = box.flame;
            return (
              <g
                key={box.index}
                className="flame__bar"
                data-colour={dispatch ? colour(name) : 'part'}
                data-chosen={box === chosen}
                onPointerEnter={() => setChosen(box)}
                onClick={() => setView(dispatch ? box.parent! : box)}
              >
                <rect
                  x={percent(from)}
                  width={percent(to - from)}
                  y={box.depth * (ROW + GAP)}
                  height={ROW}
                  rx={2}
                />
                {to - from > NAMED && (
                  <svg x={percent(from)} width={percent(to - from)} y={box.depth * (ROW + GAP)} height={ROW}>
                    <text x={6} y={15}>
                      {name}
                    </text>
                  </svg>
                )}
              </g>
            );
          })}
        </svg>
      </div>
      <div className="flame__foot">
        <p aria-live="polite">{describe(chosen, profile.ms)}</p>
        {view.parent && (
          <Button className="button button--small" onPress={() => setView(boxes[0]!)}>
            {t('profile.back')}
          </Button>
        )}
      </div>
      <p className="remark" id="flame-keys">
        {t('profile.keys')}
      </p>
    </div>
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(4)}%`;
}

function describe({ flame, parent }: Box, whole: number): string {
  const { name, start, end, dispatch } = flame;
  const ms = end - start;
  const params = { name, time: formatTime(ms / 1000), share: formatShare(whole > 0 ? ms / whole : 0) };
  if (!dispatch) return t('profile.part', params);
  const scope = dispatch.scope.join(' › ') || parent!.flame.name;
  return t('profile.dispatch', { ...params, place: scope, groups: dispatch.groups });
}
