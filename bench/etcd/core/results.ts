import { median } from '../../core/stats.ts';
import type { StoreProgram } from '../../support/store-cluster.ts';
import { FIGURES, type FigureId } from './figures.ts';
import { judge, type Verdict } from './verdict.ts';

/** What one round gave for one figure. */
export interface Sample {
  readonly value: number;
  /** Of all members, per operation; absent where nothing was counted. */
  readonly cpuMicros?: number;
  /** Cores that neither the stores nor the load used. */
  readonly foreignCores?: number;
}

export interface Side {
  /** Median of the rounds. */
  readonly value: number;
  readonly cpuMicros?: number;
  readonly samples: readonly Sample[];
}

/** One row of the table. */
export interface Result {
  readonly id: FigureId;
  readonly ours?: Side;
  readonly etcd?: Side;
  /** Ours ÷ etcd's. */
  readonly ratio?: number;
  readonly verdict: Verdict | 'not measured' | 'failed';
  readonly text: string;
  readonly note?: string;
  /** The worst round's. */
  readonly foreignCores?: number;
}

/** Gathers samples and reasons, and makes rows of them. */
export class Results {
  readonly #samples = new Map<string, Sample[]>();
  readonly #skipped = new Map<FigureId, string>();
  readonly #failed = new Map<FigureId, string>();
  readonly #notes = new Map<FigureId, string>();

  record(id: FigureId, program: StoreProgram, sample: Sample): void {
    const key = `${id} ${program}`;
    this.#samples.set(key, [...(this.#samples.get(key) ?? []), sample]);
  }

  /** Beside the figure: how much smaller than stated it was measured, for one. */
  note(id: FigureId, text: string): void {
    this.#notes.set(id, text);
  }

  skip(id: FigureId, why: string): void {
    this.#skipped.set(id, why);
  }

  fail(id: FigureId, why: string): void {
    this.#failed.set(id, why);
  }

  result(id: FigureId): Result {
    const note = this.#notes.get(id);
    const told = note === undefined ? { id } : { id, note };
    const [skipped, failed] = [this.#skipped.get(id), this.#failed.get(id)];
    if (failed !== undefined) return { ...told, verdict: 'failed', text: `failed: ${failed}` };
    const [ours, etcd] = [this.#side(id, 'etcd-lite'), this.#side(id, 'etcd')];
    if (skipped !== undefined || ours === undefined || etcd === undefined) {
      return { ...told, verdict: 'not measured', text: `not measured: ${skipped ?? 'no samples'}` };
    }
    const ratio = ours.value / etcd.value;
    const spec = FIGURES[id];
    const foreign = [...ours.samples, ...etcd.samples].flatMap(({ foreignCores }) => foreignCores ?? []);
    return {
      ...told,
      ...{ ours, etcd, ratio },
      ...judge(spec, spec.compare === 'ratio' ? ratio : ours.value),
      ...(foreign.length === 0 ? {} : { foreignCores: Math.max(...foreign) }),
    };
  }

  #side(id: FigureId, program: StoreProgram): Side | undefined {
    const samples = this.#samples.get(`${id} ${program}`);
    if (samples === undefined) return undefined;
    const cpu = samples.flatMap(({ cpuMicros }) => cpuMicros ?? []);
    const value = median(samples.map((sample) => sample.value));
    return { value, samples, ...(cpu.length === 0 ? {} : { cpuMicros: median(cpu) }) };
  }
}
