import ipaddr from 'ipaddr.js';

/**
 * The pod networks of a cluster: equal parts of one CIDR. Holds no state of its own: which parts are taken is
 * asked of the nodes.
 * IPv4 only.
 */
export class CidrSet {
  readonly #base: number;
  readonly #partBits: number;
  /** How many nodes the cluster CIDR has room for. */
  readonly size: number;

  /** Throws when the text is no IPv4 CIDR or the mask does not divide it. */
  constructor(clusterCidr: string, nodeMaskSize: number) {
    const [, prefix] = ipaddr.IPv4.parseCIDR(clusterCidr);
    if (nodeMaskSize < prefix || nodeMaskSize > 30) {
      throw new Error(
        `--node-cidr-mask-size ${nodeMaskSize} does not fit into --cluster-cidr ${clusterCidr}`,
      );
    }
    const network = ipaddr.IPv4.networkAddressFromCIDR(clusterCidr);
    this.#base = toNumber(network.octets);
    this.#partBits = nodeMaskSize;
    this.size = 2 ** (nodeMaskSize - prefix);
  }

  /** The first part that overlaps none of `taken`; undefined when there is none. */
  firstFree(taken: Iterable<string>): string | undefined {
    const used = new Set<number>();
    for (const cidr of taken) {
      const [from, to] = this.#partsOf(cidr);
      for (let index = from; index <= to; index++) used.add(index);
    }
    for (let index = 0; index < this.size; index++) if (!used.has(index)) return this.#at(index);
    return undefined;
  }

  /**
   * First and last part that a CIDR of any size touches; an empty range when it is elsewhere, or no IPv4
   * CIDR.
   */
  #partsOf(cidr: string): [from: number, to: number] {
    if (!ipaddr.IPv4.isValidCIDR(cidr)) return [0, -1];
    const [, prefix] = ipaddr.IPv4.parseCIDR(cidr);
    const start = toNumber(ipaddr.IPv4.networkAddressFromCIDR(cidr).octets) - this.#base;
    const partSize = 2 ** (32 - this.#partBits);
    const last = Math.floor((start + 2 ** (32 - prefix) - 1) / partSize);
    return [Math.max(0, Math.floor(start / partSize)), Math.min(this.size - 1, last)];
  }

  #at(index: number): string {
    const start = this.#base + index * 2 ** (32 - this.#partBits);
    const octets = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256);
    return `${octets.join('.')}/${this.#partBits}`;
  }
}

function toNumber(octets: readonly number[]): number {
  return octets.reduce((total, octet) => total * 256 + octet, 0);
}
