/**
 * The pause program: a few hundred bytes of machine code in an ELF made here, so that there is nothing to compile or pull.
 * It blocks INT, TERM and CHLD, waits for one of them, reaps every dead child, and exits with 0 on the other two: the
 * job of a pod's PID 1.
 */
interface Machine {
  readonly elfMachine: number;
  readonly code: string;
}

const MACHINES: Readonly<Record<string, Machine>> = {
  amd64: {
    elfMachine: 62,
    code:
      '68024001004889e3b80e00000031ff4889de31d241ba080000000f05b8800000004889df31f631d241ba080000000f0583f81174' +
      '0d85c078e3b8e700000031ff0f05b83d0000004883cfff31f6ba010000004d31d20f0585c07fe7ebbf',
  },
  arm64: {
    elfMachine: 183,
    code:
      '400088d22000a0f2ff4300d1e00300f9f3030091e81080d2000080d2e10313aa020080d2030180d2010000d4281180d2e00313aa' +
      '010080d2020080d2030180d2010000d41f4400f1c00000541f0000f1ebfeff54c80b80d2000080d2010000d4882080d200008092' +
      '010080d2220080d2030080d2010000d41f0000f12cffff54ebffff17',
  },
};

const BASE_ADDRESS = 0x400000n;
const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const CODE_OFFSET = ELF_HEADER_BYTES + 2 * PROGRAM_HEADER_BYTES;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const READ_EXECUTE = 5;
const READ_WRITE = 6;

/** The program for Go's name of an architecture; undefined where there is none. */
export function pauseElf(arch: string): Buffer | undefined {
  const machine = MACHINES[arch];
  if (machine === undefined) return undefined;
  const code = Buffer.from(machine.code, 'hex');
  const elf = Buffer.alloc(CODE_OFFSET + code.length);
  // e_ident: magic, 64 bits, little-endian, version 1.
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0);
  elf.writeUInt16LE(2, 16); // ET_EXEC
  elf.writeUInt16LE(machine.elfMachine, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BASE_ADDRESS + BigInt(CODE_OFFSET), 24); // entry
  elf.writeBigUInt64LE(BigInt(ELF_HEADER_BYTES), 32); // program headers
  elf.writeUInt16LE(ELF_HEADER_BYTES, 52);
  elf.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  elf.writeUInt16LE(2, 56); // their count
  elf.writeUInt16LE(64, 58); // size of a section header, of which there are none
  programHeader(elf, ELF_HEADER_BYTES, PT_LOAD, READ_EXECUTE, BigInt(elf.length));
  programHeader(elf, ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES, PT_GNU_STACK, READ_WRITE, 0n);
  elf.set(code, CODE_OFFSET);
  return elf;
}

function programHeader(elf: Buffer, at: number, type: number, flags: number, size: bigint): void {
  elf.writeUInt32LE(type, at);
  elf.writeUInt32LE(flags, at + 4);
  if (type !== PT_LOAD) return;
  elf.writeBigUInt64LE(BASE_ADDRESS, at + 16); // virtual address
  elf.writeBigUInt64LE(BASE_ADDRESS, at + 24);
  elf.writeBigUInt64LE(size, at + 32); // in the file
  elf.writeBigUInt64LE(size, at + 40); // in memory
  elf.writeBigUInt64LE(0x10000n, at + 48); // alignment: fits every page size
}
