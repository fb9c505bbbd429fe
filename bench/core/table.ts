import { type Row, verdictOf } from './measure.ts';

const WIDTHS = [9, 54, 16, 16, 8];

/** The rows of one measure as lines of text: what, value, stated figure, verdict, note. */
export function renderRows(measure: string, rows: readonly Row[]): string {
  return rows
    .map((row) =>
      renderCells(
        [
          measure,
          row.what,
          row.value === undefined ? '-' : `${digits(row.value)} ${row.unit}`,
          row.atMost === undefined ? '' : `≤ ${row.atMost} ${row.unit}`,
          verdictOf(row),
          row.failed ?? row.skipped ?? row.note ?? '',
        ],
        WIDTHS,
      ),
    )
    .join('\n');
}

export const HEADER = renderCells(['measure', 'what', 'value', 'figure', 'verdict', ''], WIDTHS);

/** Cells in columns of these widths; the last one may be longer. */
export function renderCells(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, i) => cell.padEnd(widths[i] ?? 0))
    .join(' ')
    .trimEnd();
}

/** Three significant digits, and no exponent. */
export function digits(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en', { useGrouping: false });
  return Number(value.toPrecision(3)).toString();
}
