/** IPv4 ranges as numbers. Pure. */
export interface Cidr {
  readonly base: number;
  readonly bits: number;
}

/** `10.244.1.0/24`; undefined when it is no IPv4 range. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length = ''] = text.split('/');
  const ip = parseIp(address);
  const bits = Number(length);
  if (ip === undefined || length === '' || !Number.isInteger(bits) || bits < 0 || bits > 32) return undefined;
  return { base: bits === 0 ? 0 : Math.floor(ip / 2 ** (32 - bits)) * 2 ** (32 - bits), bits };
}

export function parseIp(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatIp(ip: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(ip / 2 ** shift) % 256).join('.');
}

export function sizeOf({ bits }: Cidr): number {
  return 2 ** (32 - bits);
}
