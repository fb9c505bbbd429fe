import { setFlagsFromString } from 'node:v8';

/**
 * V8 is generous with memory for the sake of programs that keep little. A store keeps much, and most of it
 * beside V8's heap: values and requests are Buffers, which are free again only when the collector has looked at
 * the small objects that stand for them. So it is to look sooner: after the heap has grown by 60 % (not by
 * several times that), and without letting the space for new objects grow to 64 MB. A member with 100 000 values
 * of 1 KiB takes 280 MB instead of 450.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=60');
}
