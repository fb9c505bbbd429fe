import type { Random } from '@kubelab/component-base';

/** An IPv4 CIDR that Services get their addresses from, as numbers. */
export class IpRange {
  readonly text: string;
  readonly #base: number;
  readonly #size: number;

  /** Throws Error for what is no IPv4 CIDR, or too small or too large a one. */
  constructor(cidr: string) {
    const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
    const bytes = match?.slice(1, 5).map(Number) ?? [];
    const bits = Number(match?.[5]);
    if (match === null || bytes.some((byte) => byte > 255) || bits < 8 || bits > 29) {
      throw new Error(`service address range must be an IPv4 CIDR of /8 to /29: ${cidr}`);
    }
    this.#size = 2 ** (32 - bits);
    const address = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    this.#base = address - (address % this.#size);
    this.text = `${textOf(this.#base)}/${bits}`;
  }

  /** The Service `kubernetes` has this one. */
  get first(): string {
    return textOf(this.#base + 1);
  }

  contains(address: string): boolean {
    const number = numberOf(address);
    return number !== undefined && number > this.#base && number < this.#base + this.#size - 1;
  }

  /**
   * A free address by chance, from the upper part first: the lower is left to those who choose theirs
   * themselves
   * (upstream: static and dynamic band). undefined: none is left.
   */
  pick(isTaken: (address: string) => boolean, random: Random): string | undefined {
    const usable = this.#size - 2;
    const reserved = Math.min(Math.max(16, Math.floor(this.#size / 16)), 256, usable - 1);
    return (
      this.#pickFrom(1 + reserved, usable - reserved, isTaken, random) ??
      this.#pickFrom(1, reserved, isTaken, random)
    );
  }

  #pickFrom(
    offset: number,
    count: number,
    isTaken: (address: string) => boolean,
    random: Random,
  ): string | undefined {
    if (count <= 0) return undefined;
    const start = random.int(count);
    for (let i = 0; i < count; i++) {
      const address = textOf(this.#base + offset + ((start + i) % count));
      if (!isTaken(address)) return address;
    }
    return undefined;
  }
}

function textOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}
