import type { Random } from '@kubelab/component-base';

/** `30000-32767` */
export class PortRange {
  readonly from: number;
  readonly to: number;

  constructor(text: string) {
    const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
    this.from = Number(match?.[1]);
    this.to = Number(match?.[2]);
    if (match === null || this.from < 1 || this.to > 65535 || this.from > this.to) {
      throw new Error(`node port range must be of the form 30000-32767: ${text}`);
    }
  }

  contains(port: number): boolean {
    return port >= this.from && port <= this.to;
  }

  pick(isTaken: (port: number) => boolean, random: Random): number | undefined {
    const count = this.to - this.from + 1;
    const start = random.int(count);
    for (let i = 0; i < count; i++) {
      const port = this.from + ((start + i) % count);
      if (!isTaken(port)) return port;
    }
    return undefined;
  }

  get text(): string {
    return `${this.from}-${this.to}`;
  }
}
