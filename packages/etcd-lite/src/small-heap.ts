import { setFlagsFromString } from 'node:v8';

/**
 * V8 lets the space for new objects grow to 64 MB, because a program that keeps nothing runs a little faster so.
 * From here on it stays as it is: what survives a request survives anyhow, and the memory that requests came in
 * (Buffers) is free again sooner. A member with 100 000 values of 1 KiB takes 100 MB less.
 *
 * `--heap-growing-percent=60` would save 50 MB more, and make large lists twice as dear.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
