import { digits, renderCells } from '../../core/table.ts';
import { FIGURES, type FigureSpec } from './figures.ts';
import type { Result, Side } from './results.ts';

const COLUMNS = [
  ['goal', 4],
  ['what', 39],
  ['etcd-lite', 14],
  ['etcd', 14],
  ['ratio', 6],
  ['floor', 6],
  ['target', 6],
  ['µs/op', 12],
  ['other', 5],
  ['verdict', 0],
] as const;

/** From here on a figure is worth little: others had the machine. */
export const FOREIGN_CORES_MAX = 0.2;

const WIDTHS = COLUMNS.map(([, width]) => width);

export const HEADER = renderCells(
  COLUMNS.map(([name]) => name),
  WIDTHS,
);

/**
 * One figure as a line: both values, their ratio, floor and target, CPU of all members per operation (ours /
 * etcd's), cores that others used in the worst round, verdict.
 */
export function renderResult(result: Result): string {
  const spec: FigureSpec = FIGURES[result.id];
  const { ours, etcd, ratio, foreignCores } = result;
  return renderCells(
    [
      spec.goal,
      spec.what,
      ours === undefined ? '-' : `${digits(ours.value)} ${spec.unit}`,
      etcd === undefined ? '-' : `${digits(etcd.value)} ${spec.unit}`,
      ratio === undefined ? '-' : digits(ratio),
      limit(spec, spec.floor),
      limit(spec, spec.target),
      cpu(ours, etcd),
      foreignCores === undefined
        ? ''
        : `${foreignCores.toFixed(1)}${foreignCores > FOREIGN_CORES_MAX ? '!' : ''}`,
      [result.text, result.note].filter(Boolean).join('; '),
    ],
    WIDTHS,
  );
}

/** With a star: it is our own value that must reach it, not the ratio. */
function limit({ better, compare }: FigureSpec, value: number | undefined): string {
  if (value === undefined) return '';
  return `${better === 'more' ? '≥' : '≤'}${value}${compare === 'ratio' ? '' : ' *'}`;
}

function cpu(ours: Side | undefined, etcd: Side | undefined): string {
  if (ours?.cpuMicros === undefined || etcd?.cpuMicros === undefined) return '';
  return `${digits(ours.cpuMicros)} / ${digits(etcd.cpuMicros)}`;
}
